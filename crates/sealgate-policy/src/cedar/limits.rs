//! How much of it there may be. All of this is looked at before anything is parsed.

use super::source::PolicySource;
use crate::error::PolicyError;

/// The most files with policies.
pub const FILES_MOST: usize = 256;
/// The longest file, in bytes.
pub const FILE_BYTES_MOST: usize = 256 << 10;
/// All the text of a source, in bytes.
pub const BYTES_MOST: usize = 320 << 10;
/// The most policies.
pub const POLICIES_MOST: usize = 2_000;
/// The longest policy, in bytes.
pub const POLICY_BYTES_MOST: usize = 16 << 10;
/// How deep expressions may be nested in a policy. A chain of operators is as deep as it is long.
pub const POLICY_DEPTH_MOST: usize = 100;
/// The most kinds of resource.
pub const RESOURCES_MOST: usize = 256;
/// The most actions.
pub const ACTIONS_MOST: usize = 1_000;
/// The most attributes of one kind, or of one action's context.
pub const ATTRIBUTES_MOST: usize = 64;
/// The most routes.
pub const ROUTES_MOST: usize = 20_000;
/// The most roles that are declared.
pub const ROLES_MOST: usize = 1_000;

/// Whether there is no more of `source` than is taken.
pub(crate) fn check(source: &PolicySource) -> Result<(), PolicyError> {
    let most = |what: &'static str, is: usize, most: usize| {
        if is > most {
            Err(PolicyError::Oversize(what, most))
        } else {
            Ok(())
        }
    };
    most("policy files", source.files.len(), FILES_MOST)?;
    let mut bytes = 0;
    for (name, text) in &source.files {
        most("bytes in a policy file", text.len(), FILE_BYTES_MOST)?;
        bytes += name.len() + text.len();
    }
    most("bytes of policies", bytes, BYTES_MOST)?;
    most("kinds of resource", source.resources.len(), RESOURCES_MOST)?;
    for kind in source.resources.values() {
        most(
            "attributes of one kind",
            kind.attributes.0.len(),
            ATTRIBUTES_MOST,
        )?;
    }
    let of_resources: usize = source
        .resources
        .values()
        .map(|kind| kind.actions.len())
        .sum();
    let of_routes: usize = source
        .routes
        .values()
        .map(std::collections::BTreeSet::len)
        .sum();
    most(
        "actions",
        source.actions.len().max(of_resources),
        ACTIONS_MOST,
    )?;
    for action in source.actions.values() {
        most(
            "attributes of one context",
            action.context.0.len(),
            ATTRIBUTES_MOST,
        )?;
    }
    most("routes", source.routes.len().max(of_routes), ROUTES_MOST)?;
    most("roles", source.roles.len(), ROLES_MOST)
}
