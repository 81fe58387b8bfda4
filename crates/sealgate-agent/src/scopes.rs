//! Which scopes are asked for (Model Context Protocol, authorization, "Scope Selection Strategy").

use crate::metadata::{ResourceMetadata, ServerMetadata};

/// The scope without which a server may not give a refresh token (`OpenID` Connect Core 1.0, 11).
pub const OFFLINE: &str = "offline_access";

/// What is asked for: `wished` by whoever set the agent up, what the resource asks for, and what was `granted` or
/// asked for before, so that nothing is lost. Where nobody says anything, all that the resource knows; if it does
/// not say that either, nothing. With `offline`, a token to renew is asked for where the server offers that.
pub fn select(
    wished: &[String],
    demanded: Option<&[String]>,
    before: &[String],
    resource: Option<&ResourceMetadata>,
    server: &ServerMetadata,
    offline: bool,
) -> Vec<String> {
    let known = || resource?.scopes_supported.as_deref();
    let begin = match demanded {
        Some(demanded) => union(wished, demanded),
        None if !wished.is_empty() => wished.to_vec(),
        None => known().unwrap_or_default().to_vec(),
    };
    let mut scopes = union(before, &begin);
    if offline && server.knows_scope(OFFLINE) && !scopes.is_empty() {
        scopes = union(&scopes, &[OFFLINE.to_owned()]);
    }
    scopes
}

/// Both, each once, in order.
pub fn union(first: &[String], second: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for scope in first.iter().chain(second) {
        if !all.contains(scope) {
            all.push(scope.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn resource(scopes: Option<&str>) -> ResourceMetadata {
        ResourceMetadata {
            resource: "https://a.example".to_owned(),
            authorization_servers: Vec::new(),
            scopes_supported: scopes.map(list),
            dpop_bound_access_tokens_required: false,
            dpop_signing_alg_values_supported: None,
            resource_name: None,
        }
    }

    fn server(scopes: &str) -> ServerMetadata {
        ServerMetadata {
            scopes_supported: Some(list(scopes)),
            ..ServerMetadata::default()
        }
    }

    #[test]
    fn the_challenge_goes_before_what_the_resource_knows() {
        let (meta, plain) = (resource(Some("a b c")), server("a"));
        let pick = |wished: &str, demanded: Option<&str>, before: &str| {
            let demanded = demanded.map(list);
            select(
                &list(wished),
                demanded.as_deref(),
                &list(before),
                Some(&meta),
                &plain,
                true,
            )
        };
        assert_eq!(pick("", Some("a"), ""), list("a"));
        assert_eq!(pick("", None, ""), list("a b c"));
        assert_eq!(pick("b", None, ""), list("b"));
        assert_eq!(pick("b", Some("a"), ""), list("b a"));
        assert_eq!(pick("", Some("write"), "read"), list("read write"));
        let nothing = select(&[], None, &[], Some(&resource(None)), &plain, true);
        assert!(nothing.is_empty());
    }

    #[test]
    fn a_token_to_renew_is_asked_for_where_it_is_offered() {
        let offers = server("a offline_access");
        let pick = |offline| select(&[], Some(&list("a")), &[], None, &offers, offline);
        assert_eq!(pick(true), list("a offline_access"));
        assert_eq!(pick(false), list("a"));
        assert_eq!(
            select(&[], Some(&list("a")), &[], None, &server("a"), true),
            list("a")
        );
    }

    proptest! {
        #[test]
        fn a_union_has_everything_once(first in proptest::collection::vec("[a-c]", 0..6),
                                       second in proptest::collection::vec("[a-c]", 0..6)) {
            let both = union(&first, &second);
            for scope in first.iter().chain(&second) {
                prop_assert_eq!(both.iter().filter(|known| *known == scope).count(), 1);
            }
        }
    }
}
