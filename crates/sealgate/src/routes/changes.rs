//! What differs between two lock files, in words, for the person who is about to commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealgate_inventory::lock::requirement;
use sealgate_inventory::{Entry, LockFile, RouteKey};
use serde::Serialize;

use crate::screen::clean;

/// What differs.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Changes {
    pub(super) added: Vec<Change>,
    pub(super) removed: Vec<Change>,
    pub(super) changed: Vec<Change>,
    /// How many are as before.
    pub(super) same: usize,
    /// How many are neither behind a gate, as far as is known, nor public.
    pub(super) unproven: usize,
}

/// What differs about one route.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    app: String,
    route: String,
    /// In words, without a full stop.
    what: String,
}

impl Changes {
    /// From `before`, if there was one, to `after`.
    pub(super) fn between(before: Option<&LockFile>, after: &LockFile) -> Self {
        let mut old: BTreeMap<RouteKey, &Entry> = before
            .into_iter()
            .flat_map(|file| &file.entries)
            .map(|entry| (entry.key(), entry))
            .collect();
        let mut changes = Self::default();
        for entry in &after.entries {
            let known = entry.evidence.is_gated() || entry.is_public();
            changes.unproven += usize::from(!known);
            match old.remove(&entry.key()) {
                None => changes.added.push(Change::of(entry, whole(entry))),
                Some(before) => match differences(before, entry) {
                    what if what.is_empty() => changes.same += 1,
                    what => changes.changed.push(Change::of(entry, what)),
                },
            }
        }
        for entry in old.into_values() {
            changes.removed.push(Change::of(entry, whole(entry)));
        }
        changes
    }

    /// Whether anything differs.
    pub(super) fn any(&self) -> bool {
        !(self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty())
    }

    /// What to tell the person.
    pub(super) fn text(&self, file: &str) -> String {
        let mut text = format!(
            "{}: {} added, {} removed, {} changed, {} as before\n",
            clean(file),
            self.added.len(),
            self.removed.len(),
            self.changed.len(),
            self.same
        );
        let apps = self.all().map(|(_, change)| &change.app);
        let several = apps.collect::<std::collections::BTreeSet<_>>().len() > 1;
        for (sign, change) in self.all() {
            let app = if several {
                format!("{} ", change.app)
            } else {
                String::new()
            };
            let line = format!("{app}{}: {}", change.route, change.what);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{sign} {}", clean(&line));
        }
        text
    }

    fn all(&self) -> impl Iterator<Item = (char, &Change)> {
        let signed = [
            ('+', &self.added),
            ('-', &self.removed),
            ('~', &self.changed),
        ];
        let each = |(sign, changes)| std::iter::zip(std::iter::repeat(sign), changes);
        signed.into_iter().flat_map(each)
    }
}

impl Change {
    fn of(entry: &Entry, what: String) -> Self {
        let key = entry.key();
        Self {
            route: key.to_string(),
            app: key.app,
            what,
        }
    }
}

/// An entry in a few words.
fn whole(entry: &Entry) -> String {
    let mut what = entry.evidence.to_string();
    if !entry.gates.is_empty() {
        let _ = write!(what, " by {}", gates(entry));
    }
    if let Some(reason) = &entry.reason {
        let _ = write!(what, " ({reason})");
    }
    what
}

fn differences(before: &Entry, after: &Entry) -> String {
    let class = |entry: &Entry| {
        entry
            .class
            .map_or("none", |class| class.as_str())
            .to_owned()
    };
    let risk = |entry: &Entry| {
        let risk = entry
            .risk
            .iter()
            .map(|risk| format!("{risk:?}").to_lowercase());
        or_none(risk.collect::<Vec<_>>().join(" "))
    };
    let facts: [(&str, String, String); 9] = [
        (
            "evidence",
            before.evidence.to_string(),
            after.evidence.to_string(),
        ),
        ("gates", or_none(gates(before)), or_none(gates(after))),
        ("requires", requires(before), requires(after)),
        ("class", class(before), class(after)),
        ("risk", risk(before), risk(after)),
        (
            "endpoint",
            or_none(before.endpoint.clone().unwrap_or_default()),
            or_none(after.endpoint.clone().unwrap_or_default()),
        ),
        (
            "reason",
            or_none(before.reason.clone().unwrap_or_default()),
            or_none(after.reason.clone().unwrap_or_default()),
        ),
        (
            "owner",
            or_none(before.owner.clone().unwrap_or_default()),
            or_none(after.owner.clone().unwrap_or_default()),
        ),
        (
            "expires",
            or_none(
                before
                    .expires
                    .map(|day| day.to_string())
                    .unwrap_or_default(),
            ),
            or_none(after.expires.map(|day| day.to_string()).unwrap_or_default()),
        ),
    ];
    let told: Vec<String> = facts
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| format!("{name} {old} -> {new}"))
        .collect();
    told.join("; ")
}

fn gates(entry: &Entry) -> String {
    let gates: Vec<&str> = entry.gates.iter().map(String::as_str).collect();
    gates.join(" ")
}

fn requires(entry: &Entry) -> String {
    requirement::text(&entry.strength)
}

fn or_none(text: String) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"version = 1
lens = "scan"

[route."main:app"."GET /a"]
class = "user"
evidence = "GATED-STATIC"
gates = ["auth:user"]
requires = "user"
risk = ["reads"]

[route."main:app"."GET /old"]
class = "public"
evidence = "PUBLIC"
reason = "it was"
risk = ["reads"]
"#;

    const AFTER: &str = r#"version = 1
lens = "scan"

[route."main:app"."GET /a"]
class = "privileged"
evidence = "GATED-STATIC"
gates = ["auth:admin"]
requires = "privileged"
risk = ["reads"]
owner = "platform"

[route."main:app"."POST /new"]
evidence = "OPEN"
risk = ["writes"]
"#;

    #[test]
    fn what_changed_is_said_in_words() {
        let read = |text| sealgate_inventory::lock::read(text).unwrap();
        let (before, after) = (read(BEFORE), read(AFTER));
        let changes = Changes::between(Some(&before), &after);
        assert_eq!(changes.unproven, 1);
        insta::assert_snapshot!(changes.text("sealgate.routes.toml"));
        assert!(!Changes::between(Some(&after), &after).any());
    }
}
