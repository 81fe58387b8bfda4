//! Whether what is public may be.

use jiff::civil::Date;

use super::{Compared, finding};
use crate::config::{PublicEntry, PublicRule};
use crate::facts::Fact;
use crate::lock::{Entry, LockFile};
use crate::{Finding, Place, Risk, Severity, rules};

impl Compared<'_> {
    /// What is wrong with a route's being public, of which there is one thing at most: for what reason, until
    /// when, and whether its risk allows it.
    pub(super) fn public(
        &self,
        fact: &Fact<'_>,
        reviewed: Option<(&LockFile, &Entry)>,
    ) -> Option<Finding> {
        let entry = reviewed.map(|(_, entry)| entry);
        let mut finding = self.why_not_public(fact, entry)?;
        // Where it was declared is where it is put right.
        let declared = match reviewed {
            Some((lock, entry)) if entry.is_declared_here() => lock.place(entry),
            _ => fact.declared.and_then(|entry| self.place(entry)),
        };
        finding.place = declared.or(finding.place);
        Some(finding)
    }

    fn why_not_public(&self, fact: &Fact<'_>, entry: Option<&Entry>) -> Option<Finding> {
        let key = fact.route.key();
        let locked = entry.and_then(|entry| entry.reason.as_deref());
        let reason = fact.reason.or(locked);
        if reason.is_none_or(|reason| reason.trim().is_empty()) {
            let message = format!("`{key}` is declared public, and nothing says why");
            let hint = "give the reason where it is declared".to_owned();
            return Some(self.about(&rules::PUBLIC_WITHOUT_REASON, fact, message, hint));
        }
        let days = [
            entry.and_then(|entry| entry.expires),
            fact.declared.and_then(|declared| declared.expires),
        ];
        let expires = days.into_iter().flatten().min();
        if let Some(day) = expires.filter(|day| *day < self.today) {
            let message = format!("`{key}` was public until {day}");
            let hint = "put a gate before it, or review it and set a later day".to_owned();
            return Some(self.about(&rules::EXPIRED_ENTRY, fact, message, hint));
        }
        self.by_risk(fact, expires)
    }

    fn by_risk(&self, fact: &Fact<'_>, expires: Option<Date>) -> Option<Finding> {
        let classes = &self.config.classes;
        let has = |risk| fact.risk.contains(&risk);
        let writes = has(Risk::Writes) || has(Risk::Administers);
        let cases = [
            (
                has(Risk::Secrets),
                classes.public_secrets,
                &rules::PUBLIC_SECRET,
                "bears secrets or tokens",
            ),
            (
                writes,
                classes.public_writes,
                &rules::PUBLIC_WRITE,
                if has(Risk::Writes) {
                    "writes"
                } else {
                    "administers"
                },
            ),
            (true, classes.public_reads, &rules::PUBLIC_READ, "reads"),
        ];
        let key = fact.route.key();
        cases.into_iter().find_map(|(applies, needed, rule, does)| {
            let (message, hint) = match needed {
                _ if !applies => return None,
                PublicRule::Never => (
                    format!("`{key}` {does}, and is public"),
                    "put a gate before it; the configuration lets nobody else in".to_owned(),
                ),
                PublicRule::ReasonAndExpiry if expires.is_none() => (
                    format!("`{key}` {does}, and is public without an end"),
                    "set `expires`, in the lock file or the configuration, to the day of its next review".to_owned(),
                ),
                PublicRule::Reason | PublicRule::ReasonAndExpiry => return None,
            };
            Some(self.about(rule, fact, message, hint))
        })
    }

    /// What is wrong with the configuration's declarations of public routes.
    pub(super) fn declarations(&self, findings: &mut Vec<Finding>) {
        for entry in &self.config.public {
            if entry
                .app
                .as_ref()
                .is_some_and(|app| !self.config.wants_app(app))
            {
                continue;
            }
            let mut meant = self
                .facts
                .iter()
                .filter(|fact| entry.covers(fact.route))
                .peekable();
            let place = self.place(entry);
            if meant.peek().is_none() {
                let mut dead = finding(
                    &rules::DEAD_ENTRY,
                    None,
                    place,
                    format!(
                        "`{}` is declared public, and there is no such route",
                        entry.route
                    ),
                    "remove the declaration".to_owned(),
                );
                if self.weaker_lens {
                    dead.severity = Severity::Note;
                }
                findings.push(dead);
                continue;
            }
            // Below a pattern some may well be gated. It is of no use only if all are.
            let Some(gated) = meant.peek().copied() else {
                continue;
            };
            if meant.all(|fact| fact.evidence.is_gated()) {
                findings.push(finding(
                    &rules::NOW_GATED,
                    Some(gated.route.key()),
                    place,
                    format!(
                        "`{}` is declared public, and a gate stands before it",
                        entry.route
                    ),
                    "remove the declaration".to_owned(),
                ));
            }
        }
    }

    fn place(&self, entry: &PublicEntry) -> Option<Place> {
        let file = self.config.file.clone()?;
        let line = entry.line;
        Some(Place { file, line })
    }
}
