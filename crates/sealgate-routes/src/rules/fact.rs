//! Rules that report a fact which was noticed while gates were judged.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};
use sealgate_inventory::{Evidence, Finding, Placement, Rule};

use super::{Context, Seen, standing};
use crate::evaluate::value::Spot;
use crate::gates::{Flaw, FlawKind, Judgement};

/// A fact, the callable in which it stands, and the routes that stand behind that.
pub(super) struct Noticed {
    pub(super) flaw: Flaw,
    /// `module:qualname`.
    pub(super) callable: String,
    /// Whether the fact is one of a gate, or of what would be one if it denied: it takes a credential.
    pub(super) of_gate: bool,
    /// Whether it stands in the handler itself.
    pub(super) in_handler: bool,
    pub(super) routes: Vec<String>,
    /// The routes that no gate stands before, and nothing that denies anybody either.
    pub(super) ungated: Vec<String>,
}

/// The facts of these kinds, each place once, with the routes that it concerns.
pub(super) fn noticed(context: &Context<'_, '_>, kinds: &[FlawKind]) -> Vec<Noticed> {
    let mut of_judgement = Facts::default();
    let mut found: BTreeMap<(Spot, FlawKind), Noticed> = BTreeMap::new();
    for seen in context.seen {
        let of_gates = of_gates(seen, &mut of_judgement);
        for (callable, flaw) in seen
            .flaws
            .iter()
            .filter(|(_, flaw)| kinds.contains(&flaw.kind))
        {
            let key = (flaw.spot, flaw.kind);
            let of_gate = of_gates.contains(&key);
            let noticed = found.entry(key).or_insert_with(|| Noticed {
                flaw: flaw.clone(),
                callable: standing::callable(context, flaw.spot)
                    .unwrap_or_else(|| callable.to_string()),
                of_gate,
                in_handler: false,
                routes: Vec::new(),
                ungated: Vec::new(),
            });
            // Where it belongs to a gate somewhere, what else it was seen in does not matter.
            if of_gate && !noticed.of_gate {
                noticed.of_gate = true;
                noticed.routes.clear();
                noticed.ungated.clear();
            } else if noticed.of_gate && !of_gate {
                continue;
            }
            noticed.in_handler |= seen.route.endpoint.as_ref() == Some(&noticed.callable);
            let route = seen.route.key().to_string();
            if !noticed.routes.contains(&route) {
                if matches!(seen.route.evidence, Evidence::Open | Evidence::Unresolved)
                    && !is_guarded(seen, &flaw.text)
                {
                    noticed.ungated.push(route.clone());
                }
                noticed.routes.push(route);
            }
        }
    }
    found.into_values().collect()
}

/// What was noticed of a judgement and of those that it leans on, kept: many routes share one.
type Facts = FxHashMap<usize, (Rc<Judgement>, Rc<FxHashSet<(Spot, FlawKind)>>)>;

/// The facts about gates before a route, and about what takes a credential.
fn of_gates(seen: &Seen<'_>, known: &mut Facts) -> BTreeSet<(Spot, FlawKind)> {
    let mut found = BTreeSet::new();
    for (placement, judgement) in &seen.judged {
        if *placement == Placement::Handler || !judgement.is_gate() && !judgement.credential {
            continue;
        }
        let (_, facts) = known
            .entry(Rc::as_ptr(judgement).addr())
            .or_insert_with(|| {
                let facts = judgement
                    .all_flaws()
                    .iter()
                    .map(|flaw| (flaw.spot, flaw.kind))
                    .collect();
                (judgement.clone(), Rc::new(facts))
            });
        found.extend(facts.iter().copied());
    }
    found
}

/// Whether something before the handler denies somebody, a gate or not; but for the thing of this name.
fn is_guarded(seen: &Seen<'_>, but: &str) -> bool {
    seen.judged.iter().any(|(placement, judgement)| {
        *placement != Placement::Handler
            && !judgement.statuses.is_empty()
            && *judgement.name != *but
    })
}

/// Routes in words: the first, and how many more.
pub(super) fn routes(routes: &[String]) -> String {
    match routes {
        [] => "no route".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// Reports every fact of these kinds, in the words that `message` makes of it, if it makes any.
pub(super) fn report(
    context: &Context<'_, '_>,
    rule: &Rule,
    kinds: &[FlawKind],
    hint: &str,
    message: impl Fn(&Noticed) -> Option<String>,
    findings: &mut Vec<Finding>,
) {
    for noticed in noticed(context, kinds) {
        if let Some(message) = message(&noticed) {
            findings.push(context.at(rule, noticed.flaw.spot, message, hint));
        }
    }
}
