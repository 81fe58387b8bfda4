//! The documentation that a framework serves is several routes and one decision: findings about it are one.

use std::collections::BTreeSet;

use super::Compared;
use crate::facts::Fact;
use crate::lock::LockFile;
use crate::{Evidence, Finding, Kind, RouteKey, Severity, rules};

impl Compared<'_> {
    /// Puts the findings about the documentation of one application together.
    pub(super) fn documentation(
        &self,
        findings: Vec<Finding>,
        lock: Option<&LockFile>,
    ) -> Vec<Finding> {
        let docs: Vec<&Fact<'_>> = self
            .facts
            .iter()
            .filter(|fact| fact.route.kind == Kind::Docs)
            .collect();
        if docs.is_empty() {
            return findings;
        }
        let mut out: Vec<Finding> = Vec::new();
        let mut told: BTreeSet<(String, String, String)> = BTreeSet::new();
        let about = |finding: &Finding| {
            let key = finding.route.as_ref()?;
            let fact = docs
                .iter()
                .find(|fact| (&fact.route.app, &fact.route.path) == (&key.app, &key.path))?;
            let why = fact.reason.unwrap_or_default().to_owned();
            let one = (finding.rule.clone(), key.app.clone(), why);
            (may_merge(finding)).then_some((one, *fact))
        };
        for finding in &findings {
            let Some((one, fact)) = about(finding) else {
                out.push(finding.clone());
                continue;
            };
            let same: Vec<&Finding> = findings
                .iter()
                .filter(|other| about(other).is_some_and(|(other, _)| other == one))
                .collect();
            if same.len() == 1 {
                out.push(Finding {
                    hint: Some(hint(&same)),
                    ..finding.clone()
                });
            } else if told.insert(one) {
                let lock = lock.filter(|_| finding.rule == rules::NEW_ROUTE.id);
                out.push(merged(&same, fact, lock.map(|lock| lock.file.as_str())));
            }
        }
        out
    }
}

/// Whether it says only that no gate is known.
fn may_merge(finding: &Finding) -> bool {
    let open = [
        &rules::OPEN_ROUTE,
        &rules::UNRESOLVED_ROUTE,
        &rules::NEW_ROUTE,
    ];
    finding.severity == Severity::Error && open.iter().any(|rule| rule.id == finding.rule)
}

fn merged(same: &[&Finding], fact: &Fact<'_>, lock: Option<&str>) -> Finding {
    let keys: Vec<&RouteKey> = same.iter().filter_map(|one| one.route.as_ref()).collect();
    let named: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let named = named.join(", ");
    let first = same[0];
    let reason = fact.reason.unwrap_or("nothing says why");
    let message = match (fact.evidence, lock) {
        (Evidence::Open, None) => format!("no gate stands before the documentation: {named}"),
        (Evidence::Open, Some(lock)) => {
            format!("the documentation ({named}) is not in `{lock}`; no gate stands before it")
        }
        (_, None) => format!("no gate is proven before the documentation ({named}): {reason}"),
        (_, Some(lock)) => format!(
            "the documentation ({named}) is not in `{lock}`; no gate is proven before it: {reason}"
        ),
    };
    Finding {
        message,
        hint: Some(hint(same)),
        sibling: None,
        ..first.clone()
    }
}

/// What to do, for all of its pages at once.
fn hint(same: &[&Finding]) -> String {
    let keys = same.iter().filter_map(|one| one.route.as_ref());
    let mut paths: Vec<String> = keys.map(|key| format!("\"{}\"", key.path)).collect();
    paths.dedup();
    format!(
        "close it with `FastAPI(openapi_url=None)`, or pages of it with `docs_url=None` and `redoc_url=None`, or declare it \
         public in one entry of [[tool.sealgate.routes.public]]: `route = [{}]` and a `reason`",
        paths.join(", ")
    )
}
