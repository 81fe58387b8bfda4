//! Lock files of routes that were given.

use std::path::PathBuf;

use sealgate_inventory::lock::LOCK_BYTES_MAX;
use sealgate_inventory::{Evidence, LockFile};
use sealgate_report::{PublicRoute, RouteFacts, Seen, ServiceRoutes};

use super::gather::seen;
use crate::failure::Failure;

/// Reads all of them. One that cannot be read is an error: somebody gave it.
pub(super) fn read(files: &[PathBuf]) -> Result<Seen<Vec<ServiceRoutes>>, Failure> {
    if files.is_empty() {
        return Ok(Seen::NotShown {
            why: "no lock file was given (--lock-file)".to_owned(),
        });
    }
    let mut all = Vec::new();
    for path in files {
        let shown = path.display().to_string();
        let text = super::read_bounded(path, LOCK_BYTES_MAX, "lock_file_malformed")?;
        let text = String::from_utf8(text)
            .map_err(|_| Failure::usage("lock_file_malformed", format!("{shown} is not UTF-8")))?;
        let lock = sealgate_inventory::lock::read(&text)
            .map_err(|error| Failure::usage("lock_file_malformed", format!("{shown}: {error}")))?;
        all.push(ServiceRoutes {
            file: shown,
            routes: counted(&lock),
        });
    }
    let names: Vec<String> = all.iter().map(|one| one.file.clone()).collect();
    Ok(seen(&names.join(", "), Ok(all)))
}

fn counted(lock: &LockFile) -> RouteFacts {
    let mut facts = RouteFacts {
        total: lock.entries.len(),
        // A file says what was reviewed, not what runs.
        as_reviewed: None,
        ..RouteFacts::default()
    };
    for entry in &lock.entries {
        if entry.is_public() {
            facts.public.push(PublicRoute {
                route: format!("{} {}", entry.methods, entry.path),
                reason: entry.reason.clone(),
            });
        } else if entry.evidence.is_gated() {
            facts.gated += 1;
        } else if entry.evidence == Evidence::Unresolved {
            facts.unresolved += 1;
        } else {
            facts.unmarked += 1;
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_routes_of_a_lock_file_are_counted_by_what_stands_before_them() {
        let text = r#"
version = 1
lens = "scan"

[route."main:app"."GET /expenses"]
class = "user"
requires = "user scopes=expenses:read"
gates = ["app.auth:signed_in"]
evidence = "GATED-STATIC"
risk = ["reads"]

[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
risk = ["reads"]

[route."main:app"."POST /login"]
evidence = "OPEN"
risk = ["writes"]
"#;
        let facts = counted(&sealgate_inventory::lock::read(text).unwrap());
        assert_eq!((facts.total, facts.gated, facts.unmarked), (3, 1, 1));
        assert_eq!(facts.public[0].route, "GET /health");
        assert_eq!(
            facts.public[0].reason.as_deref(),
            Some("load balancers ask")
        );
    }
}
