//! What all the answers of one route and method prove together.

use sealgate_inventory::Rule;

use crate::answer::Verdict;
use crate::identity::IdentityKind;
use crate::probe::{Outcome, Purpose};
use crate::rules;

/// What all the answers of one route and method prove together.
#[derive(Debug)]
pub struct Judged {
    /// Denied only when the baseline and everything else that had to be denied was.
    pub verdict: Verdict,
    /// What is wrong, each with a sentence about the request that shows it.
    pub faults: Vec<(&'static Rule, String)>,
    /// Who got in of those who should, and what they were answered.
    pub reachable: Option<String>,
    /// How many requests were denied.
    pub denied: usize,
}

/// Judges the answers, in whatever order they came.
pub fn judge(outcomes: &[Outcome]) -> Judged {
    let reached = outcomes
        .iter()
        .any(|outcome| is_reach(outcome) && outcome.verdict == Verdict::Open);
    let verdict_of = |outcome: &Outcome| seen(outcome, reached);
    let mut faults = faults(outcomes);
    let verdict = if faults.is_empty() {
        match doubt(outcomes, verdict_of) {
            None => Verdict::Denied,
            Some(why) => Verdict::Indeterminate(why),
        }
    } else {
        Verdict::Open
    };
    faults.extend(late(outcomes));
    let reachable = outcomes
        .iter()
        .find(|outcome| is_reach(outcome) && outcome.verdict == Verdict::Open);
    Judged {
        verdict,
        faults,
        reachable: reachable.map(|outcome| match &outcome.purpose {
            Purpose::Reach { name } => format!("{name} was answered {}", outcome.answer),
            _ => String::new(),
        }),
        denied: outcomes
            .iter()
            .filter(|outcome| outcome.purpose.must_not_open())
            .filter(|outcome| verdict_of(outcome) == Verdict::Denied)
            .count(),
    }
}

fn is_reach(outcome: &Outcome) -> bool {
    matches!(outcome.purpose, Purpose::Reach { .. })
}

/// What another tenant asks for may as well not exist, where its owner is seen to get it.
fn seen(outcome: &Outcome, reached: bool) -> Verdict {
    let other = matches!(
        outcome.purpose,
        Purpose::Identity {
            kind: IdentityKind::OtherTenant,
            ..
        }
    );
    if other && reached && outcome.status == Some(404) {
        Verdict::Denied
    } else {
        outcome.verdict.clone()
    }
}

/// Everything that got in and must not, by rule: one sentence about the first, and how many more.
fn faults(outcomes: &[Outcome]) -> Vec<(&'static Rule, String)> {
    let opened = outcomes
        .iter()
        .filter(|outcome| outcome.purpose.must_not_open() && outcome.verdict == Verdict::Open);
    let mut faults: Vec<(&'static Rule, &Outcome, usize)> = Vec::new();
    for outcome in opened {
        let rule = rule(outcome);
        match faults.iter_mut().find(|(other, ..)| other.id == rule.id) {
            Some((.., more)) => *more += 1,
            None => faults.push((rule, outcome, 0)),
        }
    }
    // What takes anything takes a forged token, too: that is no second fault.
    if faults
        .iter()
        .any(|(rule, ..)| rule.id == rules::ACCEPTS_GARBAGE.id)
    {
        faults.retain(|(rule, ..)| rule.id != rules::ACCEPTS_FORGED.id);
    }
    faults
        .into_iter()
        .map(|(rule, outcome, more)| {
            let more = match more {
                0 => String::new(),
                1 => ", and so was one more like it".to_owned(),
                more => format!(", and so were {more} more like it"),
            };
            let said = format!("{} was answered {}{more}", outcome.shown, outcome.answer);
            (rule, said)
        })
        .collect()
}

fn rule(outcome: &Outcome) -> &'static Rule {
    match &outcome.purpose {
        Purpose::Garbage => &rules::ACCEPTS_GARBAGE,
        Purpose::Forged => &rules::ACCEPTS_FORGED,
        Purpose::Identity { kind, .. } => match kind {
            IdentityKind::Expired => &rules::ACCEPTS_EXPIRED,
            IdentityKind::Revoked => &rules::ACCEPTS_REVOKED,
            IdentityKind::Demoted => &rules::ACCEPTS_DEMOTED,
            IdentityKind::OtherTenant => &rules::CROSSES_TENANTS,
            IdentityKind::WrongAudience | IdentityKind::Valid => &rules::ACCEPTS_FOREIGN,
        },
        Purpose::Host => &rules::TRUSTS_HOST,
        Purpose::Path => &rules::PATH_CONFUSION,
        Purpose::Header => &rules::TRUSTS_HEADERS,
        Purpose::Baseline | Purpose::Filled | Purpose::Control | Purpose::Reach { .. } => {
            if outcome.shown.starts_with("WEBSOCKET ") {
                &rules::WEBSOCKET_OPEN
            } else {
                &rules::OPEN_WHEN_ANONYMOUS
            }
        }
    }
}

/// Why it is not proven that strangers are denied, if it is not.
fn doubt(outcomes: &[Outcome], verdict_of: impl Fn(&Outcome) -> Verdict) -> Option<String> {
    let named = |outcome: &Outcome| match verdict_of(outcome) {
        Verdict::Indeterminate(why) => Some(format!("{} was answered {why}", outcome.shown)),
        Verdict::Denied | Verdict::Open => None,
    };
    let of = |purpose: Purpose| outcomes.iter().filter(move |one| one.purpose == purpose);
    // The filled request is only sent where the baseline decided nothing, and decides in its place.
    let filled: Vec<&Outcome> = of(Purpose::Filled).collect();
    let base: Vec<&Outcome> = if filled.is_empty() {
        of(Purpose::Baseline).collect()
    } else {
        filled
    };
    if base.is_empty() {
        return Some("no request was sent".to_owned());
    }
    if let Some(why) = base.into_iter().find_map(named) {
        return Some(why);
    }
    let rest = outcomes
        .iter()
        .filter(|outcome| outcome.purpose.must_be_denied());
    let mut rest = rest.filter_map(named);
    rest.next()
        .map(|why| format!("{why}, which does not turn it away"))
}

/// A gate that answers strangers only after their request was found to be of the right shape.
fn late(outcomes: &[Outcome]) -> Option<(&'static Rule, String)> {
    let find = |purpose: Purpose| outcomes.iter().find(move |one| one.purpose == purpose);
    let (before, after) = (find(Purpose::Baseline)?, find(Purpose::Filled)?);
    let late = matches!(before.status, Some(400 | 422)) && after.verdict == Verdict::Denied;
    late.then(|| {
        let said = format!(
            "{} was answered {}, and only with everything that is required {}",
            before.shown, before.answer, after.answer
        );
        (&rules::DENIED_LATE, said)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::Answer;
    use crate::request::{Channel, Request};

    fn outcome(purpose: Purpose, status: u16) -> Outcome {
        let answer = Answer::of(status);
        let verdict = Verdict::of(&answer, &[]);
        Outcome::new(
            purpose,
            &Request::new(Channel::Http, "GET", "/a"),
            &answer,
            verdict,
        )
    }

    fn identity(kind: IdentityKind) -> Purpose {
        Purpose::Identity {
            name: "bob".to_owned(),
            kind,
        }
    }

    fn reach() -> Purpose {
        Purpose::Reach {
            name: "ada".to_owned(),
        }
    }

    fn purposes() -> impl Strategy<Value = Purpose> {
        prop_oneof![
            Just(Purpose::Baseline),
            Just(Purpose::Filled),
            Just(Purpose::Garbage),
            Just(Purpose::Forged),
            Just(Purpose::Host),
            Just(Purpose::Path),
            Just(Purpose::Header),
            Just(identity(IdentityKind::Revoked)),
            Just(identity(IdentityKind::OtherTenant)),
            Just(identity(IdentityKind::Demoted)),
            Just(reach()),
        ]
    }

    proptest! {
        #[test]
        fn nothing_that_answered_2xx_to_a_stranger_is_denied(
            answers in prop::collection::vec((purposes(), 200_u16..600), 0..12),
        ) {
            let outcomes: Vec<Outcome> =
                answers.iter().map(|(purpose, status)| outcome(purpose.clone(), *status)).collect();
            let judged = judge(&outcomes);
            let opened = answers.iter().any(|(purpose, status)| *purpose != reach() && *status < 300);
            prop_assert_eq!(judged.verdict == Verdict::Open, opened);
            if judged.verdict == Verdict::Denied {
                let counted = |purpose: &Purpose| {
                    purpose.must_be_denied() || *purpose == Purpose::Filled
                };
                for (purpose, status) in &answers {
                    let hidden = *purpose == identity(IdentityKind::OtherTenant) && *status == 404;
                    prop_assert!(!counted(purpose) || hidden || [401, 403].contains(status));
                }
                let based = answers.iter().any(|(purpose, status)| {
                    matches!(purpose, Purpose::Baseline | Purpose::Filled) && [401, 403].contains(status)
                });
                prop_assert!(based);
            }
        }

        #[test]
        fn the_order_of_answers_does_not_matter(
            answers in prop::collection::vec((purposes(), 200_u16..600), 0..8).prop_shuffle(),
        ) {
            let forth: Vec<Outcome> =
                answers.iter().map(|(purpose, status)| outcome(purpose.clone(), *status)).collect();
            let back: Vec<Outcome> = forth.iter().rev().cloned().collect();
            let kind = |outcomes: &[Outcome]| std::mem::discriminant(&judge(outcomes).verdict);
            prop_assert_eq!(kind(&forth), kind(&back));
        }
    }

    #[test]
    fn a_route_is_denied_when_everything_that_applied_was_denied() {
        let judged = judge(&[
            outcome(Purpose::Baseline, 401),
            outcome(Purpose::Garbage, 401),
            outcome(Purpose::Path, 404),
            outcome(Purpose::Host, 400),
            outcome(reach(), 200),
        ]);
        assert_eq!(judged.verdict, Verdict::Denied);
        assert_eq!(judged.denied, 2);
        assert_eq!(judged.reachable.unwrap(), "ada was answered 200");
    }

    #[test]
    fn a_500_or_422_is_never_a_pass() {
        for status in [422, 400, 404, 405, 429, 500, 503] {
            let judged = judge(&[outcome(Purpose::Baseline, status)]);
            assert!(
                matches!(judged.verdict, Verdict::Indeterminate(_)),
                "{status}"
            );
            let judged = judge(&[
                outcome(Purpose::Baseline, 401),
                outcome(Purpose::Garbage, status),
            ]);
            assert!(
                matches!(judged.verdict, Verdict::Indeterminate(_)),
                "{status}"
            );
        }
        assert!(matches!(judge(&[]).verdict, Verdict::Indeterminate(_)));
    }

    #[test]
    fn a_gate_behind_the_shape_of_a_request_is_late_and_still_a_gate() {
        let judged = judge(&[
            outcome(Purpose::Baseline, 422),
            outcome(Purpose::Filled, 401),
        ]);
        assert_eq!(judged.verdict, Verdict::Denied);
        assert_eq!(judged.faults[0].0.id, "denied-late");
    }

    #[test]
    fn what_is_hidden_from_another_tenant_counts_as_denied_where_its_owner_gets_it() {
        let hidden = [
            outcome(Purpose::Baseline, 401),
            outcome(identity(IdentityKind::OtherTenant), 404),
        ];
        assert!(matches!(judge(&hidden).verdict, Verdict::Indeterminate(_)));
        let mut shown = hidden.to_vec();
        shown.push(outcome(reach(), 200));
        assert_eq!(judge(&shown).verdict, Verdict::Denied);
    }

    #[test]
    fn faults_of_one_kind_are_told_once() {
        let judged = judge(&[
            outcome(Purpose::Baseline, 401),
            outcome(Purpose::Path, 200),
            outcome(Purpose::Path, 200),
            outcome(Purpose::Garbage, 200),
        ]);
        let told: Vec<String> = judged
            .faults
            .iter()
            .map(|(rule, said)| format!("{}: {said}", rule.id))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        path-confusion: GET /a was answered 200, and so was one more like it
        accepts-garbage: GET /a was answered 200
        ");
    }
}
