//! Whether enough was looked at. A check that sees no routes passes whatever happens to them.

use std::collections::BTreeSet;

use super::{Compared, finding};
use crate::lock::LockFile;
use crate::{Finding, Inventory, Kind, Methods, rules};

/// Findings for each application of which fewer operations were seen than its OpenAPI document has.
pub fn fewer_than_openapi(inventory: &Inventory) -> Vec<Finding> {
    let mut findings = Vec::new();
    for app in &inventory.apps {
        let Some(operations) = app.openapi_operations else {
            continue;
        };
        let routes = inventory.routes.iter();
        let seen: BTreeSet<(&str, String)> = routes
            .filter(|route| route.app == app.name && route.kind == Kind::Http)
            .flat_map(|route| {
                let methods = Methods::of(route);
                let each: Vec<String> = methods.each().into_iter().map(str::to_owned).collect();
                each.into_iter().map(|method| (route.path.as_str(), method))
            })
            .collect();
        if seen.len() < operations {
            findings.push(finding(
                &rules::FEWER_ROUTES,
                None,
                app.place.clone(),
                format!(
                    "{} of `{}` were seen, and its OpenAPI document has {operations}",
                    counted(seen.len(), "operation"),
                    app.name
                ),
                "report this: what was looked at is not the whole application".to_owned(),
            ));
        }
    }
    findings
}

/// A finding if there are no routes any more, or less than half of those that were reviewed.
pub(super) fn fewer_than_locked(compared: &Compared<'_>, lock: &LockFile) -> Vec<Finding> {
    let (seen, locked) = (compared.facts.len(), lock.entries.len());
    if seen > 0 && seen * 2 >= locked || locked == 0 {
        return Vec::new();
    }
    vec![finding(
        &rules::FEWER_ROUTES,
        None,
        None,
        format!(
            "{} were seen in `{}`, and `{}` has {locked}",
            counted(seen, "route"),
            compared.inventory.target,
            lock.file
        ),
        "look at the whole application; if it shrank, run `sealgate routes lock`".to_owned(),
    )]
}

/// `no routes`, `1 route`, `2 routes`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
