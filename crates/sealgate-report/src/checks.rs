//! The checks: each asks one question of the facts. A control names those that it stands on.

mod credentials;
mod drills;
mod gates;
mod records;
mod sessions;

use crate::facts::{Facts, Seen};
use crate::judgement::{Evidence, Judgement};

pub(crate) use drills::IDS as DRILLS;

/// The ids of the drills that a report knows how to place.
pub fn drill_ids() -> impl Iterator<Item = &'static str> {
    DRILLS.iter().copied()
}

/// What a check says of something that was measured.
pub(crate) enum Answer {
    /// It is so.
    So(String),
    /// It is not so.
    Not(String),
    /// It cannot be told from this.
    Untold(String),
    /// There is nothing to ask.
    Nothing(String),
}

/// Asks a part of the facts, if it was measured.
pub(crate) fn ask<T>(seen: &Seen<T>, question: impl FnOnce(&T) -> Answer) -> Judgement {
    match seen {
        Seen::NotShown { why } => Judgement::NotShown { why: why.clone() },
        Seen::Measured { at, by, value } => {
            let evidence = |says| Evidence {
                says,
                by: by.clone(),
                at: *at,
            };
            match question(value) {
                Answer::So(says) => Judgement::Shown(evidence(says)),
                Answer::Not(says) => Judgement::Failed(evidence(says)),
                Answer::Untold(why) => Judgement::NotShown { why },
                Answer::Nothing(why) => Judgement::NotApplicable { why },
            }
        }
    }
}

type Check = fn(&Facts) -> Judgement;

/// Every check but those of drills, by its id.
const ALL: [(&str, Check); 36] = [
    ("accounts", credentials::accounts),
    ("administrators", credentials::administrators),
    ("machines_owned", credentials::machines_owned),
    ("machines_end", credentials::machines_end),
    ("machines_used", credentials::machines_used),
    ("machines_least", credentials::machines_least),
    ("no_client_secrets", credentials::no_client_secrets),
    ("environments", credentials::environments),
    ("clients_authenticate", credentials::clients_authenticate),
    ("client_secrets_age", credentials::client_secrets_age),
    ("redirects", credentials::redirects),
    ("keys_age", credentials::keys_age),
    ("keys_follow", credentials::keys_follow),
    ("second_factor", credentials::second_factor),
    ("https", sessions::https),
    ("session_end", sessions::session_end),
    ("session_idle", sessions::session_idle),
    ("access_short", sessions::access_short),
    ("code_short", sessions::code_short),
    ("code_minute", sessions::code_minute),
    ("code_flow_only", sessions::code_flow_only),
    ("pkce_s256", sessions::pkce_s256),
    ("pushed_requests", sessions::pushed_requests),
    ("bound_tokens", sessions::bound_tokens),
    ("gates_known", gates::known),
    ("gates_answer", gates::answer),
    ("gates_closed_when_stale", gates::closed_when_stale),
    ("routes_covered", gates::routes_covered),
    ("routes_reviewed", gates::routes_reviewed),
    ("policy_in_force", gates::policy_in_force),
    ("policy_everywhere", gates::policy_everywhere),
    ("as_declared", gates::as_declared),
    ("audit_verifies", records::audit_verifies),
    ("decisions_recorded", records::decisions_recorded),
    ("records_leave", records::records_leave),
    ("anomalies_seen_to", records::anomalies_seen_to),
];

/// What the check of this id says; nothing if there is no such check. `drill:ID` asks for a drill, and `act:ACTION`
/// for when something was last done.
pub(crate) fn run(id: &str, facts: &Facts) -> Option<Judgement> {
    if let Some(drill) = id.strip_prefix("drill:") {
        return drills::known(drill).then(|| drills::passed(facts, drill));
    }
    if let Some(action) = id.strip_prefix("act:") {
        return Some(records::done(facts, action));
    }
    let (_, check) = ALL.iter().find(|(name, _)| *name == id)?;
    Some(check(facts))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue;
    use crate::samples;

    #[test]
    fn every_check_is_asked_by_some_control() {
        let asked: BTreeSet<String> = catalogue::frameworks()
            .iter()
            .flat_map(|framework| &framework.controls)
            .flat_map(|control| control.checks.clone())
            .collect();
        for (id, _) in ALL {
            assert!(asked.contains(id), "{id}");
        }
        for id in drill_ids() {
            assert!(asked.contains(&format!("drill:{id}")), "drill:{id}");
        }
    }

    #[test]
    fn nothing_is_shown_where_nothing_was_measured() {
        let facts = samples::nothing();
        for (id, check) in ALL {
            let said = check(&facts);
            assert!(matches!(said, Judgement::NotShown { .. }), "{id}: {said:?}");
        }
        for id in drill_ids() {
            let said = drills::passed(&facts, id);
            assert!(matches!(said, Judgement::NotShown { .. }), "{id}: {said:?}");
        }
    }

    #[test]
    fn every_check_can_be_met_and_can_fail() {
        let (good, bad, deserted) = (samples::good(), samples::bad(), samples::deserted());
        for (id, check) in ALL {
            let said = check(&good);
            assert!(matches!(said, Judgement::Shown(_)), "{id}: {said:?}");
            let fails = |facts| matches!(check(facts), Judgement::Failed(_));
            assert!(fails(&bad) || fails(&deserted), "{id}: {:?}", check(&bad));
        }
    }
}
