//! What of an inventory is not as it should be: by itself, and against what was reviewed of it.

mod count;
mod docs;
mod entries;
mod public;
mod routes;
mod sibling;
#[cfg(test)]
mod tests;
mod weaker;

use std::collections::BTreeMap;

use jiff::civil::Date;

pub use count::fewer_than_openapi;
pub use sibling::Neighbours;
pub use weaker::weaker;

use crate::facts::{self, Fact};
use crate::lock::{Entry, LockFile, is_seen, moves};
use crate::{Config, Finding, Inventory, Place, RouteKey, Rule};

/// What is wrong with an inventory by itself: for whoever has no lock file. Routes that are open or unresolved,
/// and declarations that do not hold.
pub fn coverage(inventory: &Inventory, config: &Config, today: Date) -> Vec<Finding> {
    let compared = Compared::new(inventory, config, None, today);
    let mut findings = Vec::new();
    for fact in &compared.facts {
        compared.by_itself(fact, &mut findings);
    }
    compared.declarations(&mut findings);
    compared.documentation(in_order(findings), None)
}

/// What differs between an inventory and what was reviewed of it, and all that [`coverage`] finds and the lock
/// file does not answer for.
///
/// An inventory may come from a way of looking that tells less than the one the lock file comes from: a scan is
/// compared with what an inspection wrote. Then evidence is asked for only as far as that way can have it, and
/// what it does not see or cannot tell is a note. What it does see counts in full: a route without a gate, and
/// a gate that asks for less.
pub fn compare(
    lock: &LockFile,
    inventory: &Inventory,
    config: &Config,
    today: Date,
) -> Vec<Finding> {
    let compared = Compared::new(inventory, config, Some(lock), today);
    let mut findings = count::fewer_than_locked(&compared, lock);
    if !compared.facts.is_empty() {
        for (at, fact) in compared.facts.iter().enumerate() {
            let moved = compared.moved.get(&at).copied();
            compared.with_lock(lock, fact, moved, &mut findings);
        }
        compared.unseen(lock, &mut findings);
        compared.declarations(&mut findings);
    }
    compared.documentation(in_order(findings), Some(lock))
}

/// All that is looked at together.
struct Compared<'a> {
    inventory: &'a Inventory,
    config: &'a Config,
    facts: Vec<Fact<'a>>,
    today: Date,
    /// Whether the lock file comes from a way of looking that tells more than this one.
    weaker_lens: bool,
    /// The gated routes, to be copied.
    neighbours: Neighbours<'a>,
    /// The entries of routes that are at another path now, by the number of the fact.
    moved: BTreeMap<usize, &'a Entry>,
}

impl<'a> Compared<'a> {
    fn new(
        inventory: &'a Inventory,
        config: &'a Config,
        lock: Option<&'a LockFile>,
        today: Date,
    ) -> Self {
        let facts = facts::of(inventory, config);
        let moved = lock.map_or_else(BTreeMap::new, |lock| {
            let entries = lock.entries.iter();
            let unseen: Vec<&Entry> = entries.filter(|entry| !is_seen(entry, &facts)).collect();
            moves(lock, &facts, &unseen)
        });
        Self {
            inventory,
            config,
            facts,
            today,
            moved,
            neighbours: Neighbours::of(inventory),
            weaker_lens: lock
                .is_some_and(|lock| facts::rank(inventory.lens) < facts::rank(lock.lens)),
        }
    }

    /// A finding about a route, with the way to it and, where nothing stands before it, a neighbour to copy.
    fn about(&self, rule: &Rule, fact: &Fact<'_>, message: String, hint: String) -> Finding {
        let sibling = if fact.evidence.is_gated() {
            None
        } else {
            self.neighbours.nearest(fact.route)
        };
        Finding {
            via: fact.route.via.clone(),
            sibling,
            ..finding(
                rule,
                Some(fact.route.key()),
                fact.route.place(),
                message,
                hint,
            )
        }
    }
}

fn finding(
    rule: &Rule,
    route: Option<RouteKey>,
    place: Option<Place>,
    message: String,
    hint: String,
) -> Finding {
    Finding {
        rule: rule.id.to_owned(),
        severity: rule.severity,
        message,
        place,
        route,
        hint: Some(hint),
        via: Vec::new(),
        sibling: None,
    }
}

fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    let order = |finding: &Finding| {
        let route = finding.route.clone();
        let about = route.map(|key| (key.app, key.path, key.methods));
        (about, finding.rule.clone(), finding.message.clone())
    };
    findings.sort_by_cached_key(order);
    findings
}
