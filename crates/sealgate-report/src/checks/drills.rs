//! Drills: what their reports say.

use super::{Answer, ask};
use crate::facts::{DrillFact, DrillVerdict, Facts};
use crate::judgement::Judgement;
use crate::words::moment;

/// The drills that controls can stand on.
pub(crate) const IDS: [&str; 34] = [
    "logout-replay",
    "refresh-reuse",
    "refresh-race",
    "absolute-expiry",
    "idle-expiry",
    "cookie-deletion",
    "tamper",
    "cookie-copied",
    "key-rotation",
    "key-revocation",
    "unknown-kid-storm",
    "outage",
    "feed-partition",
    "clock-skew",
    "algorithm-confusion",
    "wrong-claims",
    "cross-tenant",
    "downgrade",
    "csrf",
    "open-redirect",
    "fixation",
    "revoked-machine",
    "revoked-delegation",
    "lasting-connections",
    "open-surface",
    "step-up",
    "device-phishing",
    "dpop-proofs",
    "code-replay",
    "ssrf",
    "backchannel-logout",
    "disabled-user",
    "restored-backup",
    "forwarded-headers",
];

/// Whether there is such a drill.
pub(super) fn known(id: &str) -> bool {
    IDS.contains(&id)
}

/// Whether the drill passed everywhere it was last run.
pub(super) fn passed(facts: &Facts, id: &str) -> Judgement {
    ask(&facts.drills, |drills| {
        let runs: Vec<&DrillFact> = drills.iter().filter(|drill| drill.id == id).collect();
        let by = |verdict| runs.iter().find(|run| run.verdict == verdict);
        if let Some(run) = by(DrillVerdict::Fail) {
            return Answer::Not(format!(
                "the drill {id} failed on {}, {}",
                run.target,
                moment(run.at)
            ));
        }
        if let Some(run) = by(DrillVerdict::CouldNotRun) {
            return Answer::Untold(format!("the drill {id} could not be run on {}", run.target));
        }
        if let Some(run) = by(DrillVerdict::Pass) {
            return Answer::So(format!(
                "the drill {id} passed on {}, {}",
                run.target,
                moment(run.at)
            ));
        }
        if let Some(run) = by(DrillVerdict::NotApplicable) {
            return Answer::Nothing(format!("the drill {id} does not apply to {}", run.target));
        }
        Answer::Untold(format!("no report that was given has the drill {id}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn one_failure_outweighs_every_pass() {
        let mut facts = samples::good();
        let said = |facts: &Facts| passed(facts, "tamper");
        assert!(matches!(said(&facts), Judgement::Shown(_)));
        samples::drill(&mut facts, "tamper", DrillVerdict::CouldNotRun);
        assert!(matches!(said(&facts), Judgement::NotShown { .. }));
        samples::drill(&mut facts, "tamper", DrillVerdict::Fail);
        assert!(matches!(said(&facts), Judgement::Failed(_)));
    }
}
