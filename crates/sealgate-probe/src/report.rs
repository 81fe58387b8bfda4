//! What a probe has proven, as an inventory.

use sealgate_inventory::{Evidence, Finding, Inventory, Lens, Note, Rule};

use crate::answer::Verdict;
use crate::case::{Base, Case, Unsent};
use crate::identity::IdentityKind;
use crate::judge::{Judged, judge};
use crate::rules;
use crate::settings::Settings;

/// What was known of the routes, with what the answers prove in its place.
pub(crate) fn inventory(
    mut inventory: Inventory,
    cases: &[Case],
    settings: &Settings,
    answers_anything: bool,
    sampled: usize,
) -> Inventory {
    inventory.lens = Lens::Probe;
    inventory.findings.clear();
    let mut reached = 0;
    for at in 0..inventory.routes.len() {
        let own: Vec<&Case> = cases.iter().filter(|case| case.route == at).collect();
        let judged: Vec<(&Case, Judged)> =
            own.into_iter().map(|case| (case, conclude(case))).collect();
        reached += usize::from(judged.iter().any(|(_, judged)| judged.reachable.is_some()));
        settle(&mut inventory, at, &judged);
    }
    let unsent = cases
        .iter()
        .filter(|case| case.request == Err(Unsent::WithoutLeave))
        .count();
    if unsent > 0 {
        inventory.notes.push(note(&format!(
            "{unsent} requests that may change something were left unsent: what they lead to is not proven"
        )));
    }
    if sampled > 0 {
        inventory.notes.push(note(&format!(
            "{sampled} of {} routes and methods have the gates of others that were asked with everything, and were \
             asked with less: no forged tokens, other hosts and headers; --thorough sends all to all",
            cases.len()
        )));
    }
    if answers_anything {
        inventory.notes.push(note(
            "what does not exist is answered with success, so that requests with other paths were not sent",
        ));
    }
    let valid = |identity: &crate::Identity| identity.kind == IdentityKind::Valid;
    if settings.identities.iter().any(valid) && reached == 0 {
        inventory.notes.push(note(
            "no valid identity got in anywhere: it is not shown that any route opens at all",
        ));
    }
    inventory.sort();
    inventory
}

fn note(text: &str) -> Note {
    Note {
        place: None,
        text: text.to_owned(),
    }
}

fn conclude(case: &Case) -> Judged {
    let mut judged = judge(&case.outcomes);
    if let Err(why) = &case.request {
        judged.verdict = Verdict::Indeterminate(why.why(&case.method));
    }
    judged
}

/// What is wrong with `HEAD` is told with `GET`.
fn add(found: &mut Vec<(&'static Rule, String)>, case: &Case, rule: &'static Rule, said: &str) {
    let told = found.iter().any(|(other, _)| other.id == rule.id);
    if !(told && case.method == "HEAD") {
        found.push((rule, said.to_owned()));
    }
}

/// Writes down what is known of one route: as much as of its worst method.
fn settle(inventory: &mut Inventory, at: usize, judged: &[(&Case, Judged)]) {
    let route = &mut inventory.routes[at];
    if route.evidence == Evidence::Public {
        let denied = judged.iter().all(|(case, _)| case.base() == Base::Denied);
        if denied && !judged.is_empty() {
            inventory.notes.push(Note {
                place: route.place(),
                text: format!("{} is declared public, and denies strangers", route.key()),
            });
        }
        return;
    }
    let mut found: Vec<(&'static Rule, String)> = Vec::new();
    let (mut open, mut unclear) = (None, None);
    let mut proven: Vec<String> = Vec::new();
    for (case, judged) in judged {
        match &judged.verdict {
            Verdict::Open => open = open.or(judged.faults.first().map(|(_, said)| said.clone())),
            Verdict::Indeterminate(why) => {
                // What the caller did not want to be sent is counted in one note.
                if case.request != Err(Unsent::WithoutLeave) {
                    add(&mut found, case, &rules::NOT_PROVEN, why);
                }
                unclear = unclear.or(Some(why.clone()));
            }
            Verdict::Denied => proven.push(match &judged.reachable {
                Some(who) => format!("{} requests were denied, and {who}", judged.denied),
                None => format!("{} requests were denied", judged.denied),
            }),
        }
        for (rule, said) in &judged.faults {
            add(&mut found, case, rule, said);
        }
    }
    (route.evidence, route.reason) = match (open, unclear) {
        (Some(said), _) => (Evidence::Open, Some(said)),
        (None, Some(why)) => (Evidence::Unresolved, Some(why)),
        (None, None) if proven.is_empty() => {
            let why = "nothing was sent".to_owned();
            found.push((&rules::NOT_PROVEN, why.clone()));
            (Evidence::Unresolved, Some(why))
        }
        (None, None) => (Evidence::Denied, Some(proven.join("; "))),
    };
    let (place, key, via) = (route.place(), route.key(), route.via.clone());
    inventory
        .findings
        .extend(found.into_iter().map(|(rule, message)| Finding {
            rule: rule.id.to_owned(),
            severity: rule.severity,
            message,
            place: place.clone(),
            route: Some(key.clone()),
            hint: rules::hint(rule),
            via: via.clone(),
            sibling: None,
        }));
}
