//! What is wrong with gates that are there, and with the order in which routes stand: rules about source.
//!
//! Each rule is a file: its id, its page and its check. Its broken example has to be found by it, and its fixed
//! one not.

mod catch_all_handler;
mod effect_before_check;
mod fact;
mod gate_cannot_deny;
mod gate_fallback;
mod late_route;
mod no_op_branch;
mod overridden_dependency;
mod path_decision;
mod request_typed_gate;
mod shadowed_route;
mod sibling_asymmetry;
mod standing;
mod swallowed_denial;
#[cfg(test)]
mod tests;
mod truthy_object;
mod unawaited_gate;
mod walked_routes;

use std::rc::Rc;

use sealgate_inventory::{Finding, Place, Placement, Route, Rule};

use crate::evaluate::Interpreter;
use crate::evaluate::value::Spot;
use crate::framework::FlatRoute;
use crate::gates::{Flaw, Judgement};

/// A route with all that is known of it.
pub(crate) struct Seen<'a> {
    pub(crate) flat: FlatRoute<'a>,
    /// As the inventory has it, judged.
    pub(crate) route: Route,
    /// What was noticed of what stands before it and of its handler, with the callable that each is about.
    pub(crate) flaws: Vec<(Rc<str>, Flaw)>,
    /// Everything that stands before it and was judged, gates or not.
    pub(crate) judged: Vec<(Placement, Rc<Judgement>)>,
}

/// What checks look at.
pub(crate) struct Context<'c, 'a> {
    pub(crate) interpreter: &'c mut Interpreter<'a>,
    /// Every route, in the order in which its application tries them.
    pub(crate) seen: &'c [Seen<'a>],
}

impl Context<'_, '_> {
    /// A finding of `rule` at `spot`.
    fn at(&self, rule: &Rule, spot: Spot, message: String, hint: &str) -> Finding {
        finding(rule, self.interpreter.place(spot), message, hint)
    }

    /// The same, about one route.
    fn about(&self, rule: &Rule, seen: &Seen<'_>, message: String, hint: &str) -> Finding {
        let place = seen
            .route
            .place()
            .unwrap_or_else(|| self.interpreter.place(seen.flat.spot));
        Finding {
            route: Some(seen.route.key()),
            via: seen.route.via.clone(),
            ..finding(rule, place, message, hint)
        }
    }
}

fn finding(rule: &Rule, place: Place, message: String, hint: &str) -> Finding {
    Finding {
        rule: rule.id.to_owned(),
        severity: rule.severity,
        message,
        place: Some(place),
        route: None,
        hint: Some(hint.to_owned()),
        via: Vec::new(),
        sibling: None,
    }
}

type Check = for<'c, 'a> fn(&mut Context<'c, 'a>, &mut Vec<Finding>);

/// Every rule with its check, by id.
const CHECKS: &[(&Rule, Check)] = &[
    (&catch_all_handler::RULE, catch_all_handler::check),
    (&effect_before_check::RULE, effect_before_check::check),
    (&gate_cannot_deny::RULE, gate_cannot_deny::check),
    (&gate_fallback::RULE, gate_fallback::check),
    (&late_route::RULE, late_route::check),
    (&no_op_branch::RULE, no_op_branch::check),
    (&overridden_dependency::RULE, overridden_dependency::check),
    (&path_decision::RULE, path_decision::check),
    (&request_typed_gate::RULE, request_typed_gate::check),
    (&shadowed_route::RULE, shadowed_route::check),
    (&sibling_asymmetry::RULE, sibling_asymmetry::check),
    (&swallowed_denial::RULE, swallowed_denial::check),
    (&truthy_object::RULE, truthy_object::check),
    (&unawaited_gate::RULE, unawaited_gate::check),
    (&walked_routes::RULE, walked_routes::check),
];

/// The rules about source, by id.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    CHECKS.iter().map(|(rule, _)| *rule)
}

/// Everything that is wrong.
pub(crate) fn check(context: &mut Context<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, check) in CHECKS {
        check(context, &mut findings);
    }
    findings.sort_by(|a, b| (&a.place, &a.rule, &a.message).cmp(&(&b.place, &b.rule, &b.message)));
    findings.dedup_by(|a, b| (&a.place, &a.rule, &a.message) == (&b.place, &b.rule, &b.message));
    findings
}
