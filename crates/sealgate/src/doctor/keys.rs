//! The signing keys: that each algorithm has one that signs, and when the next takes over.

use std::collections::BTreeMap;
use std::time::Duration;

use sealgate_model::{Clock as _, Timestamp};
use sealgate_server::admin::{KeyPlan, KeyView, Keys, StateView};
use sealgate_store::KeyState;

use super::Patient;
use super::report::Report;
use crate::door::Door;
use crate::output::date;

/// How much later than planned a rotation may be before somebody should look.
const LATE: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn look(patient: &Patient, door: &Door, report: &mut Report) {
    let keys: Keys = match door.get("/keys", &[]).await {
        Ok(keys) => keys,
        Err(failure) => {
            report.failed("keys", &failure);
            return;
        }
    };
    let every = patient.loaded.settings.keys.rotate_every.0;
    // What is declared of an algorithm counts in place of the setting.
    let declared = match door.get::<StateView>("/state", &[]).await {
        Ok(view) => view.state.keys,
        Err(failure) => {
            report.failed("keys", &failure);
            return;
        }
    };
    let declared: Schedules = declared
        .into_iter()
        .map(|(algorithm, schedule)| (algorithm, Duration::from_secs(schedule.rotate_every.0)))
        .collect();
    let now = patient.web.clock().now();
    judge(&keys.keys, (every, &declared), now, report);
    let every = declared.values().copied().fold(every, Duration::max);
    let ahead = [("horizon", Some((every + LATE).as_secs().to_string()))];
    if every.is_zero() {
        report.skip(
            "keys",
            "signing keys are replaced on command only (keys.rotate_every is 0s)",
        );
    } else if let Ok(plan) = door.get::<KeyPlan>("/keys/plan", &ahead).await {
        let next = plan.moves.iter().find(|one| one.to == KeyState::Active);
        if let Some(next) = next {
            report.good(
                "keys",
                format!(
                    "the next signing key for {} takes over on {}",
                    next.algorithm,
                    date(next.at)
                ),
            );
        }
    }
}

/// How long keys of single algorithms sign; zero: until they are replaced on command.
type Schedules = BTreeMap<String, Duration>;

fn judge(
    keys: &[KeyView],
    (usual, declared): (Duration, &Schedules),
    now: Timestamp,
    report: &mut Report,
) {
    let mut algorithms: Vec<&str> = keys.iter().map(|key| key.algorithm.as_str()).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    if algorithms.is_empty() {
        report.fix(
            "keys",
            "there is no signing key",
            Some("restore the database from its backup".to_owned()),
        );
    }
    for algorithm in algorithms {
        let in_state = |state| {
            keys.iter()
                .find(|key| key.algorithm == algorithm && key.state == state)
        };
        let Some(active) = in_state(KeyState::Active) else {
            report.fix(
                "keys",
                format!("no key signs for {algorithm}"),
                Some(format!(
                    "run: sealgate key rotate --algorithm {algorithm} --now"
                )),
            );
            continue;
        };
        let (every, whose) = match declared.get(algorithm) {
            Some(every) => (*every, "is declared of it"),
            None => (usual, "keys.rotate_every"),
        };
        let days = now.since(active.changed_at).as_secs() / 86_400;
        let told = format!("{} has signed for {algorithm} for {days} days", active.kid);
        if !every.is_zero() && now.since(active.changed_at) > every + LATE {
            report.warn(
                "keys",
                format!("{told}, longer than {whose}"),
                Some(format!("run: sealgate key rotate --algorithm {algorithm}")),
            );
        } else if in_state(KeyState::Next).is_none() {
            report.warn(
                "keys",
                format!(
                    "no key is published to follow {}, which signs for {algorithm}",
                    active.kid
                ),
                Some("one is made within a minute where a server runs; see its log".to_owned()),
            );
        } else {
            report.good("keys", told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn keys_that_are_old_or_missing_are_told() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let key = |kid: &str, algorithm: &str, state, age: u32| KeyView {
            kid: kid.to_owned(),
            algorithm: algorithm.to_owned(),
            state,
            created_at: now - DAY * age,
            changed_at: now - DAY * age,
        };
        let keys = [
            key("a", "EdDSA", KeyState::Active, 10),
            key("b", "EdDSA", KeyState::Next, 10),
            key("c", "ES256", KeyState::Active, 100),
            key("d", "ES256", KeyState::Next, 100),
            key("e", "RS256", KeyState::Retiring, 5),
            key("f", "PS256", KeyState::Active, 5),
        ];
        let mut report = Report::default();
        let none = Schedules::new();
        judge(&keys, (DAY * 90, &none), now, &mut report);
        judge(&[], (DAY * 90, &none), now, &mut report);
        insta::assert_snapshot!(report.text().data, @r"
        warn  keys      c has signed for ES256 for 100 days, longer than keys.rotate_every
                        hint: run: sealgate key rotate --algorithm ES256
        ok    keys      a has signed for EdDSA for 10 days
        warn  keys      no key is published to follow f, which signs for PS256
                        hint: one is made within a minute where a server runs; see its log
        fix   keys      no key signs for RS256
                        hint: run: sealgate key rotate --algorithm RS256 --now
        fix   keys      there is no signing key
                        hint: restore the database from its backup
        ");
        // What is declared counts: one algorithm rotates more often, the other on command only.
        let declared = [("EdDSA", DAY * 5), ("ES256", Duration::ZERO)];
        let declared = declared.map(|(name, every)| (name.to_owned(), every));
        let mut report = Report::default();
        judge(&keys[..4], (DAY * 90, &declared.into()), now, &mut report);
        insta::assert_snapshot!(report.text().data, @r"
        ok    keys      c has signed for ES256 for 100 days
        warn  keys      a has signed for EdDSA for 10 days, longer than is declared of it
                        hint: run: sealgate key rotate --algorithm EdDSA
        ");
    }
}
