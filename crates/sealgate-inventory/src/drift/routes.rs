//! From the inventory to the lock file: each route against what was reviewed of it.

use super::Compared;
use super::weaker::weaker;
use crate::config::{InternalRule, PrivilegedRule};
use crate::facts::{Fact, best};
use crate::lock::{Class, Entry, LockFile, is_for_programs};
use crate::{Evidence, Finding, Lens, Level, Methods, Severity, rules};

const PROTECT: &str = "put a gate before it, or declare it public with a reason";
const RENEW: &str = "review it, and run `sealgate routes lock`";

impl Compared<'_> {
    /// What is wrong with a route by itself.
    pub(super) fn by_itself(&self, fact: &Fact<'_>, findings: &mut Vec<Finding>) {
        match fact.evidence {
            Evidence::Open => findings.push(self.open(fact, "")),
            Evidence::Unresolved => findings.push(self.unresolved(fact, "")),
            Evidence::Public => findings.extend(self.public(fact, None)),
            Evidence::GatedStatic | Evidence::Gated | Evidence::Denied => {}
        }
    }

    /// What is wrong with a route against the lock file. Methods that it took before count by themselves, so
    /// that a method that has moved to another block is still held to what was reviewed of it.
    pub(super) fn with_lock(
        &self,
        lock: &LockFile,
        fact: &Fact<'_>,
        moved: Option<&Entry>,
        findings: &mut Vec<Finding>,
    ) {
        let entries = lock.at(&fact.route.app, &fact.route.path);
        if let Some(exact) = entries.iter().find(|entry| entry.methods == fact.methods) {
            self.against(lock, exact, fact, findings);
            return;
        }
        let mut missing = fact.methods.each();
        let mut held: Vec<&Entry> = Vec::new();
        missing.retain(|method| {
            let covering = entries.iter().filter(|entry| entry.methods.cover(method));
            // Of two that speak of the method, the one that asks for more.
            let strictest =
                covering.max_by_key(|entry| (entry.class, entry.evidence, entry.strength.level));
            if let Some(entry) = strictest
                && !held.contains(&entry)
            {
                held.push(entry);
            }
            strictest.is_none()
        });
        if fact.methods == Methods::All {
            // What takes every method now is also held to what was said of some.
            held.extend(
                entries
                    .iter()
                    .filter(|entry| fact.methods.cover_all(&entry.methods)),
            );
        }
        let guessed = self.weaker_lens && fact.is_at_unknown_path();
        if let Some(entry) = moved.filter(|_| guessed) {
            // The same route, whose path a stronger way of looking knew.
            self.against(lock, entry, fact, findings);
        } else if !missing.is_empty() {
            findings.push(self.new_route(lock, fact, &missing, moved));
            // A route that is at another path now is still held to its gate. What was public there has to be
            // declared again.
            if let Some(entry) = moved.filter(|entry| entry.is_reviewed_gated()) {
                self.against(lock, entry, fact, findings);
            } else if held.is_empty() && fact.evidence == Evidence::Public {
                findings.extend(self.public(fact, None));
            }
        }
        for entry in held {
            self.against(lock, entry, fact, findings);
        }
    }

    fn new_route(
        &self,
        lock: &LockFile,
        fact: &Fact<'_>,
        methods: &[&str],
        moved: Option<&Entry>,
    ) -> Finding {
        let before = moved.map_or_else(String::new, |entry| {
            format!(", which has its handler at `{}`", entry.key())
        });
        let name = format!("{} {}", methods.join(","), fact.route.path);
        let but = fact.reason.unwrap_or("nothing says why");
        let (severity, what, hint) = match fact.evidence {
            Evidence::Open => (
                Severity::Error,
                "no gate stands before it".to_owned(),
                PROTECT,
            ),
            Evidence::Unresolved => (
                Severity::Error,
                format!("no gate is proven before it: {but}"),
                PROTECT,
            ),
            Evidence::Public => (
                Severity::Warning,
                format!("it is declared public: {but}"),
                RENEW,
            ),
            _ => (
                Severity::Warning,
                format!("it is behind {}", gates(fact)),
                RENEW,
            ),
        };
        Finding {
            severity,
            ..self.about(
                &rules::NEW_ROUTE,
                fact,
                format!("`{name}` is not in `{}`{before}; {what}", lock.file),
                hint.to_owned(),
            )
        }
    }

    fn open(&self, fact: &Fact<'_>, more: &str) -> Finding {
        let message = format!("no gate stands before `{}`{more}", fact.route.key());
        self.about(&rules::OPEN_ROUTE, fact, message, PROTECT.to_owned())
    }

    fn unresolved(&self, fact: &Fact<'_>, more: &str) -> Finding {
        let key = fact.route.key();
        let mut message = format!("no gate is proven before `{key}`");
        if let Some(reason) = fact.reason {
            message = format!("{message}: {reason}");
        }
        message.push_str(more);
        let hint = match self.inventory.lens {
            Lens::Scan => {
                "name its gate in `gates`, or ask the running application: \
                 `sealgate routes inspect`"
            }
            Lens::Inspect | Lens::Probe => {
                "name its gate in `gates`, or put one before it that can be seen to deny, or declare \
                 it public with a reason"
            }
        };
        self.about(&rules::UNRESOLVED_ROUTE, fact, message, hint.to_owned())
    }

    fn against(
        &self,
        lock: &LockFile,
        entry: &Entry,
        fact: &Fact<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let reviewed_gated = entry.is_reviewed_gated();
        match fact.evidence {
            Evidence::Open | Evidence::Unresolved if entry.is_declared_here() => {
                findings.extend(self.public(fact, Some((lock, entry))));
            }
            Evidence::Open | Evidence::Public if reviewed_gated => {
                findings.push(self.lost(entry, fact));
            }
            Evidence::Open if entry.evidence == Evidence::Public => {
                findings.push(self.open(fact, ", and it is not declared public any more"));
            }
            Evidence::Open => findings.push(self.open(fact, "")),
            Evidence::Unresolved => {
                let was = entry.evidence;
                let known = reviewed_gated || was == Evidence::Public;
                let more = if known {
                    format!("; it was {was}")
                } else {
                    String::new()
                };
                let mut finding = self.unresolved(fact, &more);
                let only_note = known && self.weaker_lens;
                if only_note {
                    finding.severity = Severity::Note;
                }
                findings.push(finding);
                if only_note && entry.is_public() {
                    findings.extend(self.public(fact, Some((lock, entry))));
                }
            }
            Evidence::Public if entry.is_public() => {
                findings.extend(self.public(fact, Some((lock, entry))));
                findings.extend(self.outdated(lock, entry, fact));
            }
            Evidence::Public => {
                let key = fact.route.key();
                let message = format!(
                    "`{key}` is declared public, and `{}` does not say so",
                    lock.file
                );
                findings.push(self.about(&rules::NOW_PUBLIC, fact, message, RENEW.to_owned()));
                findings.extend(self.public(fact, Some((lock, entry))));
            }
            _ if !reviewed_gated => findings.push(self.now_gated(entry, fact)),
            _ => {
                self.gates(entry, fact, findings);
                findings.extend(self.outdated(lock, entry, fact));
            }
        }
    }

    fn lost(&self, entry: &Entry, fact: &Fact<'_>) -> Finding {
        let key = fact.route.key();
        let gates: Vec<&str> = entry.gates.iter().map(String::as_str).collect();
        let behind = if gates.is_empty() {
            "a gate".to_owned()
        } else {
            format!("`{}`", gates.join("`, `"))
        };
        let message = match (fact.evidence, fact.reason) {
            (Evidence::Public, Some(reason)) => {
                format!("`{key}` was behind {behind}, and is declared public now: {reason}")
            }
            (Evidence::Public, None) => {
                format!("`{key}` was behind {behind}, and is declared public now")
            }
            _ => format!("`{key}` was behind {behind}, and no gate stands before it now"),
        };
        let hint = if fact.evidence == Evidence::Public {
            RENEW
        } else {
            "put the gate back, or declare the route public in the lock file with a reason"
        };
        self.about(&rules::LOST_GATE, fact, message, hint.to_owned())
    }

    fn now_gated(&self, entry: &Entry, fact: &Fact<'_>) -> Finding {
        let key = fact.route.key();
        let was = if entry.is_public() {
            "public"
        } else {
            entry.evidence.as_str()
        };
        let message = format!(
            "`{key}` is {was} in the lock file, and is behind {} now",
            gates(fact)
        );
        let hint = "run `sealgate routes lock`, so that losing the gate is noticed".to_owned();
        self.about(&rules::NOW_GATED, fact, message, hint)
    }

    /// Gates that ask for less, that are others, that are known less well, or that are too weak for the class.
    fn gates(&self, entry: &Entry, fact: &Fact<'_>, findings: &mut Vec<Finding>) {
        let key = fact.route.key();
        let strength = fact.strength();
        let less = weaker(&entry.strength, &strength);
        if !less.is_empty() {
            let message = format!("the gate of `{key}` asks for less: {}", less.join("; "));
            let hint = "put back what was asked for, or review it and run `sealgate routes lock`";
            findings.push(self.about(&rules::WEAKER_GATE, fact, message, hint.to_owned()));
        } else if let Some(finding) = self.other_gates(entry, fact) {
            findings.push(finding);
        }
        let expected = entry.evidence.min(best(self.inventory.lens));
        if fact.evidence < expected {
            let now = fact.evidence;
            let message = format!("the gate of `{key}` was {expected}, and is only {now} now");
            let hint = "find out why it is not seen any more, or run `sealgate routes lock`";
            findings.push(self.about(&rules::EVIDENCE_LOST, fact, message, hint.to_owned()));
        }
        if less.is_empty()
            && let Some(class) = entry.class.filter(|class| self.too_weak(*class, fact))
        {
            let needs = match class {
                Class::Internal => "lets in machines or agents alone, or is privileged",
                _ => "is privileged",
            };
            let message = format!("`{key}` is {class}, and no gate before it {needs}");
            let hint = "put a stronger gate before it, or lower its class in the lock file";
            findings.push(self.about(&rules::WEAK_FOR_CLASS, fact, message, hint.to_owned()));
        }
    }

    fn too_weak(&self, class: Class, fact: &Fact<'_>) -> bool {
        let strength = fact.strength();
        let privileged = strength.level == Level::Privileged;
        let rules = &self.config.classes;
        match class {
            Class::Public | Class::User => false,
            Class::Internal => {
                rules.internal_needs == InternalRule::MachineOrPrivileged
                    && !privileged
                    && !is_for_programs(&strength)
            }
            Class::Privileged => {
                rules.privileged_needs == PrivilegedRule::Privileged && !privileged
            }
        }
    }

    fn other_gates(&self, entry: &Entry, fact: &Fact<'_>) -> Option<Finding> {
        let gone: Vec<&str> = entry
            .gates
            .iter()
            .map(String::as_str)
            .filter(|gate| !fact.gates.contains(gate))
            .collect();
        let mut new = fact.gates.clone();
        new.retain(|gate| !entry.gates.contains(*gate));
        let new: Vec<&str> = new.into_iter().collect();
        let key = fact.route.key();
        let message = match (gone.is_empty(), new.is_empty()) {
            (true, true) => return None,
            (true, false) => format!("`{key}` has the gate `{}` as well", new.join("`, `")),
            (false, true) => format!("`{key}` does not have the gate `{}`", gone.join("`, `")),
            (false, false) => format!(
                "`{key}` has the gate `{}` in place of `{}`",
                new.join("`, `"),
                gone.join("`, `")
            ),
        };
        let mut finding = self.about(&rules::GATE_CHANGED, fact, message, RENEW.to_owned());
        if gone.is_empty() || self.weaker_lens {
            finding.severity = Severity::Note;
        }
        Some(finding)
    }

    /// What has changed and lets nobody else in.
    fn outdated(&self, lock: &LockFile, entry: &Entry, fact: &Fact<'_>) -> Option<Finding> {
        let key = fact.route.key();
        let mut changes = Vec::new();
        if let (Some(was), Some(now)) = (&entry.endpoint, &fact.route.endpoint)
            && was != now
        {
            changes.push(format!("its handler is `{now}` and was `{was}`"));
        }
        if entry.methods != fact.methods {
            changes.push(format!("it is in the block of `{}`", entry.key()));
        } else if entry.risk != fact.risk {
            changes.push("its risk is another".to_owned());
        }
        if fact.evidence == Evidence::Public && fact.reason != entry.reason.as_deref() {
            changes.push("it is public for another reason".to_owned());
        }
        if changes.is_empty() {
            return None;
        }
        let message = format!(
            "`{}` is out of date on `{key}`: {}",
            lock.file,
            changes.join(", ")
        );
        let hint = "run `sealgate routes lock`".to_owned();
        Some(self.about(&rules::OUTDATED_ENTRY, fact, message, hint))
    }
}

fn gates(fact: &Fact<'_>) -> String {
    if fact.gates.is_empty() {
        return "a gate".to_owned();
    }
    let names: Vec<&str> = fact.gates.iter().copied().collect();
    format!("`{}`", names.join("`, `"))
}
