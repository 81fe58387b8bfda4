//! Records: that they are there, whole, sent on and looked at.

use std::fmt::Write as _;

use super::{Answer, ask};
use crate::facts::Facts;
use crate::judgement::Judgement;
use crate::words::{count, moment, some};

pub(super) fn audit_verifies(facts: &Facts) -> Judgement {
    ask(&facts.audit, |audit| {
        if !audit.findings.is_empty() {
            return Answer::Not(format!("verification found: {}", some(&audit.findings)));
        }
        if audit.records == 0 {
            return Answer::Not("there are no records".to_owned());
        }
        let since = audit.first_at.map(|at| format!(" since {}", moment(at)));
        let mut told = format!(
            "{} records{} verified, with {}",
            audit.records,
            since.unwrap_or_default(),
            count(
                usize::try_from(audit.checkpoints).unwrap_or(usize::MAX),
                "signed checkpoint"
            )
        );
        if let Some(at) = audit.checkpoint_at {
            let _ = write!(told, ", the last of {}", moment(at));
        }
        if audit.checkpoints == 0 {
            Answer::Untold(format!(
                "{told}: nothing signed says that it is the whole log"
            ))
        } else {
            Answer::So(told)
        }
    })
}

pub(super) fn decisions_recorded(facts: &Facts) -> Judgement {
    ask(&facts.decisions, |decisions| {
        let newest = decisions
            .newest_at
            .map(|at| format!("; the newest of {}", moment(at)))
            .unwrap_or_default();
        match (decisions.allowed, decisions.denied) {
            (true, true) => Answer::So(format!(
                "allowed and denied decisions are on record{newest}"
            )),
            (false, true) => Answer::So(format!(
                "denied decisions are on record, allowed ones are not{newest}"
            )),
            (_, false) => Answer::Not(format!("no denied decision is on record{newest}")),
        }
    })
}

pub(super) fn records_leave(facts: &Facts) -> Judgement {
    ask(&facts.sinks, |sinks| {
        let bad: Vec<String> = sinks
            .iter()
            .filter(|sink| sink.state != "active")
            .map(|sink| format!("{} ({})", sink.name, sink.state))
            .collect();
        if sinks.is_empty() {
            Answer::Not("records are sent nowhere".to_owned())
        } else if bad.is_empty() {
            Answer::So(format!(
                "records are sent to {}",
                count(sinks.len(), "sink")
            ))
        } else {
            Answer::Not(format!("do not work: {}", some(&bad)))
        }
    })
}

pub(super) fn anomalies_seen_to(facts: &Facts) -> Judgement {
    ask(&facts.anomalies, |anomalies| {
        let open: Vec<&str> = anomalies
            .iter()
            .filter(|anomaly| anomaly.state == "open")
            .map(|anomaly| anomaly.rule.as_str())
            .collect();
        if open.is_empty() {
            Answer::So(format!(
                "no anomaly is open; {} acknowledged",
                anomalies.len()
            ))
        } else {
            Answer::Not(format!(
                "{} open: {}",
                count(open.len(), "anomaly"),
                some(&open)
            ))
        }
    })
}

/// Whether something was ever done, as far as records are kept.
pub(super) fn done(facts: &Facts, action: &str) -> Judgement {
    ask(&facts.acts, |acts| {
        let last = acts.iter().find(|act| act.action == action);
        match last.and_then(|act| act.last_at) {
            Some(at) => Answer::So(format!("{action} was last done {}", moment(at))),
            None => Answer::Untold(format!("no record tells of {action}")),
        }
    })
}
