//! From the lock file to the inventory: entries of which nothing is left.

use std::collections::BTreeMap;

use super::count::counted;
use super::{Compared, finding};
use crate::facts;
use crate::lock::{Entry, LockFile};
use crate::{Finding, Methods, RouteKey, Severity, rules};

impl Compared<'_> {
    /// Entries of routes, and of whole applications, that were not seen.
    pub(super) fn unseen(&self, lock: &LockFile, findings: &mut Vec<Finding>) {
        let mut apps: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &lock.entries {
            if self.moved.values().any(|moved| std::ptr::eq(*moved, entry)) {
                // Said with the route that it is now.
                continue;
            }
            if self.holds(&entry.app) {
                findings.extend(self.dead(lock, entry));
            } else {
                apps.entry(&entry.app).or_default().push(entry);
            }
        }
        for (app, entries) in apps {
            findings.push(finding(
                &rules::DEAD_APP,
                None,
                entries.first().and_then(|entry| lock.place(entry)),
                format!(
                    "`{app}` was not seen, and `{}` has {} of it",
                    lock.file,
                    counted(entries.len(), "route")
                ),
                "look at this application too, or remove its entries if it is gone".to_owned(),
            ));
        }
    }

    fn holds(&self, app: &str) -> bool {
        let mut routes = self.facts.iter();
        let mut apps = self.inventory.apps.iter();
        self.config.wants_app(app)
            && (apps.any(|seen| seen.name == app) || routes.any(|fact| fact.route.app == app))
    }

    fn dead(&self, lock: &LockFile, entry: &Entry) -> Option<Finding> {
        let here = facts::at(&self.facts, &entry.app, &entry.path);
        let seen = |method: &str| here.iter().any(|fact| fact.methods.cover(method));
        let mut gone = entry.methods.each();
        gone.retain(|method| !seen(method));
        if gone.is_empty() || entry.methods == Methods::All && !here.is_empty() {
            return None;
        }
        let key = RouteKey {
            methods: gone.join(","),
            ..entry.key()
        };
        let message = format!("`{key}` is not there any more");
        let mut dead = finding(
            &rules::DEAD_ENTRY,
            Some(key),
            lock.place(entry),
            message,
            "run `sealgate routes lock`, which removes it".to_owned(),
        );
        if self.weaker_lens {
            dead.severity = Severity::Note;
            dead.message
                .push_str(", as far as this way of looking tells");
            dead.hint = Some("ask the running application: `sealgate routes inspect`".to_owned());
        }
        Some(dead)
    }
}
