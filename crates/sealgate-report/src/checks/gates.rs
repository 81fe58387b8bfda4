//! Gates, their routes, and the policy they decide by.

use super::{Answer, ask};
use crate::facts::{Facts, GateFact, RouteFacts, Seen};
use crate::judgement::Judgement;
use crate::words::{count, moment, some};

fn name(gate: &GateFact) -> String {
    format!("{}/{}", gate.client, gate.name)
}

pub(super) fn known(facts: &Facts) -> Judgement {
    ask(&facts.gates, |gates| {
        if gates.is_empty() {
            return Answer::Not("no gate follows the revocation feed".to_owned());
        }
        let names: Vec<String> = gates.iter().map(name).collect();
        Answer::So(format!("{}: {}", count(gates.len(), "gate"), some(&names)))
    })
}

pub(super) fn answer(facts: &Facts) -> Judgement {
    ask(&facts.receipt, |receipt| {
        if receipt.gates.is_empty() {
            return Answer::Not("no gate was there to answer".to_owned());
        }
        let silent: Vec<&str> = receipt
            .gates
            .iter()
            .filter(|gate| gate.state != "applied")
            .map(|gate| gate.gate.as_str())
            .collect();
        match (receipt.complete, silent.is_empty()) {
            (false, _) => Answer::Not(format!("did not answer in time: {}", some(&silent))),
            (true, true) => Answer::So(format!(
                "each of {} said within {} ms of being asked that it has applied everything up to revocation {}",
                count(receipt.gates.len(), "gate"),
                receipt.waited,
                receipt.seq
            )),
            (true, false) => Answer::So(format!(
                "every gate has applied everything up to revocation {}, or refuses since its bound has passed: {}",
                receipt.seq,
                some(&silent)
            )),
        }
    })
}

pub(super) fn closed_when_stale(facts: &Facts) -> Judgement {
    ask(&facts.gates, |gates| {
        if gates.is_empty() {
            return Answer::Not("no gate follows the revocation feed".to_owned());
        }
        let open: Vec<String> = gates
            .iter()
            .filter(|gate| {
                gate.on_stale
                    .as_deref()
                    .is_some_and(|said| said.starts_with("allow"))
            })
            .map(name)
            .collect();
        let untold: Vec<String> = gates
            .iter()
            .filter(|gate| gate.on_stale.is_none())
            .map(name)
            .collect();
        if !open.is_empty() {
            Answer::Not(format!(
                "let something go on when the feed breaks: {}",
                some(&open)
            ))
        } else if untold.is_empty() {
            Answer::So(format!(
                "each of {} refuses when the feed breaks",
                count(gates.len(), "gate")
            ))
        } else {
            Answer::Untold(format!(
                "did not report what they do then: {}",
                some(&untold)
            ))
        }
    })
}

/// The routes of every service: as its gate reported them, or else as its lock file says.
fn services(facts: &Facts) -> Seen<Vec<(String, RouteFacts)>> {
    let reported = |gates: &Vec<GateFact>| -> Vec<(String, RouteFacts)> {
        gates
            .iter()
            .filter_map(|gate| Some((name(gate), gate.routes.clone()?)))
            .collect()
    };
    match (&facts.gates, &facts.lock_files) {
        (Seen::Measured { at, by, value }, _) if !reported(value).is_empty() => Seen::Measured {
            at: *at,
            by: by.clone(),
            value: reported(value),
        },
        (_, Seen::Measured { at, by, value }) => Seen::Measured {
            at: *at,
            by: by.clone(),
            value: value
                .iter()
                .map(|file| (file.file.clone(), file.routes.clone()))
                .collect(),
        },
        (Seen::Measured { .. }, Seen::NotShown { .. }) => Seen::NotShown {
            why: "no gate reported its routes, and no lock file was given (--lock-file)".to_owned(),
        },
        (Seen::NotShown { why }, Seen::NotShown { .. }) => Seen::NotShown { why: why.clone() },
    }
}

pub(super) fn routes_covered(facts: &Facts) -> Judgement {
    ask(&services(facts), |services| {
        let mut lacking = Vec::new();
        let (mut total, mut public) = (0, 0);
        for (service, routes) in services {
            total += routes.total;
            public += routes.public.len();
            let bare = routes
                .public
                .iter()
                .filter(|one| one.reason.is_none())
                .count();
            let open = routes.unmarked + routes.unresolved + bare;
            if open > 0 {
                lacking.push(format!("{service} ({open})"));
            }
        }
        match (total, lacking.is_empty()) {
            (0, _) => Answer::Not("no routes were reported".to_owned()),
            (_, false) => Answer::Not(format!(
                "routes that nobody marked, gave a reason for or understood: {}",
                some(&lacking)
            )),
            (_, true) => Answer::So(format!(
                "{} of {}: {} behind a gate, {public} public for a reason",
                count(total, "route"),
                count(services.len(), "service"),
                total - public
            )),
        }
    })
}

pub(super) fn routes_reviewed(facts: &Facts) -> Judgement {
    ask(&services(facts), |services| {
        let said = |wanted: Option<bool>| -> Vec<&str> {
            services
                .iter()
                .filter(|(_, routes)| routes.as_reviewed == wanted)
                .map(|(service, _)| service.as_str())
                .collect()
        };
        let (differs, without) = (said(Some(false)), said(None));
        if services.is_empty() {
            Answer::Not("no routes were reported".to_owned())
        } else if !differs.is_empty() {
            Answer::Not(format!("not as their lock file says: {}", some(&differs)))
        } else if without.is_empty() {
            Answer::So(format!(
                "{}: routes as the reviewed lock file says",
                count(services.len(), "service")
            ))
        } else {
            Answer::Untold(format!("held to no lock file: {}", some(&without)))
        }
    })
}

pub(super) fn policy_in_force(facts: &Facts) -> Judgement {
    ask(&facts.policy, |policy| {
        match (policy.version, policy.made_at) {
            (0, _) | (_, None) => Answer::Not("no policy was ever applied".to_owned()),
            (version, Some(at)) => Answer::So(format!(
                "version {version}, applied {}{}",
                moment(at),
                policy
                    .by
                    .as_ref()
                    .map(|by| format!(" by {by}"))
                    .unwrap_or_default()
            )),
        }
    })
}

pub(super) fn policy_everywhere(facts: &Facts) -> Judgement {
    let current = facts.policy.value().map(|policy| policy.version);
    ask(&facts.gates, |gates| {
        let Some(current) = current else {
            return Answer::Untold("which policy is in force was not looked at".to_owned());
        };
        if gates.is_empty() {
            return Answer::Not("no gate follows the revocation feed".to_owned());
        }
        let other: Vec<String> = gates
            .iter()
            .filter_map(|gate| {
                let version = gate.policy_version.filter(|version| *version != current)?;
                Some(format!("{} ({version})", name(gate)))
            })
            .collect();
        let untold: Vec<String> = gates
            .iter()
            .filter(|gate| gate.policy_version.is_none())
            .map(name)
            .collect();
        if !other.is_empty() {
            Answer::Not(format!(
                "decide by another version than {current}: {}",
                some(&other)
            ))
        } else if !untold.is_empty() {
            Answer::Untold(format!(
                "did not report which policy they decide by: {}",
                some(&untold)
            ))
        } else {
            Answer::So(format!(
                "each of {} decides by version {current}",
                count(gates.len(), "gate")
            ))
        }
    })
}

pub(super) fn as_declared(facts: &Facts) -> Judgement {
    ask(&facts.state, |state| match state.applied_at {
        None => Answer::Not("nothing was ever applied from a file".to_owned()),
        Some(_) if !state.drift.is_empty() => Answer::Not(format!(
            "changed outside of the file: {}",
            some(&state.drift)
        )),
        Some(at) => Answer::So(format!("as the file that was applied {}", moment(at))),
    })
}
