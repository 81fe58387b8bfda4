//! What policies say of a caller, and what they said before.
//!
//! An answer is remembered by everything that it depends on: which bundle, all that is known of the actor, the
//! action, all that is told of the resource, and the rest of the question (docs/decisions/0053-policies-in-cedar.md).
//! Nothing of it is ever looked up by ids alone, so that there is nothing to take back when something changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use sealgate_model::Timestamp;
use sealgate_policy::cedar::{
    Policies, Principal, Question, QuestionError, Resource, Value, Verdict, qualified,
};

use super::Loaded;
use crate::caller::Caller;
use crate::denial::Denial;
use crate::memory::{Memory, Weighed};

/// The most answers that are remembered, of one bundle.
const ANSWERS_MOST: usize = 16_384;
/// About how many bytes they take up together, at most.
const BYTES_MOST: usize = 16 << 20;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// The name of the action.
    pub action: &'a str,
    /// With what.
    pub resource: &'a Resource,
    /// What the application tells beside the resource.
    pub context: &'a BTreeMap<String, Value>,
}

/// What policies say, and which of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judged {
    /// Why not, or nothing.
    pub(crate) denial: Option<Denial>,
    /// The policies that decided, or could not, by their ids with commas between; none where none did.
    pub(crate) by: Option<Arc<str>>,
}

impl From<Denial> for Judged {
    fn from(denial: Denial) -> Self {
        Self {
            denial: Some(denial),
            by: None,
        }
    }
}

/// How many bytes of ids are told. What comes after is an ellipsis.
const TOLD_MOST: usize = 512;

/// `ids` with commas between, as many as there is room for.
fn told<'a>(ids: impl Iterator<Item = &'a str>) -> Option<Arc<str>> {
    let mut text = String::new();
    for id in ids {
        if text.len() + id.len() + 1 > TOLD_MOST {
            text.push_str(if text.is_empty() { "…" } else { ",…" });
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(id);
    }
    (!text.is_empty()).then(|| text.into())
}

/// An answer, and what records tell of it.
#[derive(Debug)]
pub(crate) struct Answer {
    verdict: Verdict,
    by: Option<Arc<str>>,
}

impl Answer {
    fn new(verdict: Verdict) -> Self {
        let failed = verdict.errors.iter().map(|fault| fault.policy.as_str());
        let by = if verdict.errors.is_empty() {
            told(verdict.determining.iter().map(String::as_str))
        } else {
            told(failed)
        };
        Self { verdict, by }
    }
}

/// What was answered before, of one bundle.
pub(crate) struct Answers(Memory<Arc<Answer>>);

impl Default for Answers {
    fn default() -> Self {
        Self::up_to(ANSWERS_MOST)
    }
}

impl Weighed for Arc<Answer> {
    fn weight(&self) -> usize {
        // The entry and its place in the order, with some air.
        const BASE: usize = 256;
        let told = self.by.as_ref().map_or(0, |by| by.len());
        let ids = self
            .verdict
            .determining
            .iter()
            .map(|id| id.len() + size_of::<String>());
        let errors = self
            .verdict
            .errors
            .iter()
            .map(|fault| fault.policy.len() + fault.message.len());
        BASE + told + ids.chain(errors).sum::<usize>()
    }
}

impl Answers {
    fn up_to(entries: usize) -> Self {
        Self(Memory::up_to(entries, BYTES_MOST))
    }

    /// The answer of `policies` to `question`.
    ///
    /// # Errors
    /// As [`Policies::decide`].
    fn ask(
        &self,
        policies: &Policies,
        question: &Question<'_>,
    ) -> Result<Arc<Answer>, QuestionError> {
        let mark = Memory::<Arc<Answer>>::mark(&question.key(policies));
        if let Some(known) = self.0.get(&mark, |_| true) {
            return Ok(known);
        }
        let answer = Arc::new(Answer::new(policies.decide(question)?));
        self.0.keep(mark, Arc::clone(&answer));
        Ok(answer)
    }
}

/// The issuer of a caller whom another one vouches for than the one where users sign in.
pub(crate) fn foreign(caller: &Caller) -> Option<&str> {
    let credential = &caller.credential;
    (!credential.signs_in).then_some(&*credential.issuer)
}

/// The id by which policies know `caller`.
pub fn policy_id(caller: &Caller) -> String {
    qualified(foreign(caller), caller.actor.id())
}

/// The answer of `loaded` to whether `caller` may do `act`.
///
/// # Errors
/// Where the question does not fit what is declared.
pub(crate) fn verdict(
    loaded: &Loaded,
    caller: &Caller,
    act: Act<'_>,
    now: Timestamp,
) -> Result<Arc<Answer>, QuestionError> {
    let principal = Principal::new(Arc::clone(&caller.actor), foreign(caller));
    let question = Question {
        principal: &principal,
        action: act.action,
        resource: act.resource,
        context: act.context,
        credential: caller.credential.kind.as_str(),
        issuer: &caller.credential.issuer,
        now,
    };
    loaded.answers.ask(&loaded.policies, &question)
}

/// Why `caller` may not do `act`, or nothing, and which policies say so.
///
/// # Errors
/// Where the question does not fit what is declared, by a mistake of whoever asks.
pub(crate) fn refuses(
    loaded: Option<&Loaded>,
    caller: &Caller,
    act: Act<'_>,
    now: Timestamp,
) -> Result<Judged, QuestionError> {
    let Some(loaded) = loaded else {
        return Ok(Denial::PolicyMissing.into());
    };
    let answer = match verdict(loaded, caller, act, now) {
        Ok(answer) => answer,
        Err(QuestionError::Action(_)) => return Ok(Denial::PolicyActionUnknown.into()),
        Err(QuestionError::Actor { .. }) => return Ok(Denial::PolicyDenied.into()),
        Err(error) => return Err(error),
    };
    let verdict = &answer.verdict;
    for fault in &verdict.errors {
        let (policy, error) = (&fault.policy, &fault.message);
        tracing::warn!(
            policy,
            error,
            action = act.action,
            "a policy could not be evaluated"
        );
    }
    let denial = if verdict.allowed {
        None
    } else if verdict.errors.is_empty() {
        Some(Denial::PolicyDenied)
    } else {
        Some(Denial::PolicyFailed)
    };
    let by = answer.by.clone();
    Ok(Judged { denial, by })
}

/// Why `caller` may not do all of `actions` with the route that is called so, or nothing. A route that nobody can
/// name is one that no policy was written for.
pub(crate) fn refuses_route(
    loaded: Option<&Loaded>,
    caller: &Caller,
    (actions, route): (&[String], Option<&str>),
    now: Timestamp,
) -> Judged {
    static NOTHING: BTreeMap<String, Value> = BTreeMap::new();
    let mut all = Judged::default();
    if actions.is_empty() {
        return all;
    }
    let Some(route) = route else {
        return Denial::PolicyDenied.into();
    };
    let resource = Resource::route(route);
    for action in actions {
        let act = Act {
            action,
            resource: &resource,
            context: &NOTHING,
        };
        let judged = refuses(loaded, caller, act, now).unwrap_or_else(|error| {
            tracing::warn!(%error, route, "a route's action could not be judged");
            Denial::PolicyDenied.into()
        });
        if judged.denial.is_some() {
            return judged;
        }
        all.by = match (all.by, judged.by) {
            (Some(before), Some(by)) if before != by => told([&*before, &*by].into_iter()),
            (before, by) => before.or(by),
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_model::{Actor, User};
    use sealgate_policy::cedar::{PolicySource, read};

    use super::*;

    /// Bundles that differ in one thing each: who may read.
    fn bundles() -> Vec<Policies> {
        let declared: toml::Table = r#"
            [policy.resource.Note]
            attributes = { owner = "User", level = "Long" }
            parents = ["Folder"]
            actions = ["read", "write"]
            [policy.resource.Folder]
            [policy.actions]
            read = { context = { "hurry?" = "Bool" } }
        "#
        .parse()
        .unwrap();
        let texts = [
            "@id(\"a\") permit (principal, action == Action::\"read\", resource) when { resource.owner == principal };",
            "@id(\"a\") permit (principal in Role::\"r1\", action, resource);",
            "@id(\"a\") permit (principal, action, resource) when { resource.level < 2 };
             @id(\"b\") forbid (principal, action, resource in Folder::\"f1\") unless { principal in Role::\"r2\" };",
            "@id(\"a\") permit (principal, action, resource) when { context.now > datetime(\"1970-01-01T00:00:02Z\") };",
            "@id(\"a\") permit (principal, action == Action::\"read\", resource) when { context has hurry && context.hurry };",
            "@id(\"a\") permit (principal, action, resource) when { principal has tenant && principal.tenant == Tenant::\"t1\" };",
            // The last two say the same, and are two bundles.
            "@id(\"a\") permit (principal, action, resource) when { context.credential == \"session\" };",
            "@id(\"a\") permit (principal, action, resource) when { context.credential == \"session\" };",
        ];
        let compile = |text: &str| {
            let files = BTreeMap::from([("p.cedar".to_owned(), text.to_owned())]);
            let source: PolicySource = read(&declared)
                .unwrap()
                .with(files, &BTreeMap::new())
                .unwrap();
            Policies::compile(&source).unwrap()
        };
        texts.into_iter().map(compile).collect()
    }

    #[test]
    fn only_so_many_ids_are_told() {
        assert_eq!(told(std::iter::empty()), None);
        assert_eq!(told(["a", "b"].into_iter()).as_deref(), Some("a,b"));
        let long = "x".repeat(100);
        let text = told(std::iter::repeat_n(long.as_str(), 50)).unwrap();
        assert!(
            text.len() <= TOLD_MOST + 4 && text.ends_with(",…"),
            "{text}"
        );
        let longer = "x".repeat(TOLD_MOST);
        assert_eq!(told([longer.as_str()].into_iter()).as_deref(), Some("…"));
    }

    #[derive(Debug, Clone)]
    struct Step {
        bundle: usize,
        user: u8,
        roles: Vec<u8>,
        tenant: Option<u8>,
        foreign: bool,
        action: bool,
        note: u8,
        owner: u8,
        level: i64,
        folder: Option<u8>,
        hurry: Option<bool>,
        session: bool,
        now: i64,
    }

    fn steps() -> impl Strategy<Value = Step> {
        let who = (
            0_u8..2,
            proptest::collection::vec(0_u8..3, 0..2),
            proptest::option::of(0_u8..2),
            any::<bool>(),
        );
        let what = (
            any::<bool>(),
            0_u8..2,
            0_u8..2,
            0_i64..4,
            proptest::option::of(0_u8..2),
        );
        let how = (
            0_usize..8,
            proptest::option::of(any::<bool>()),
            any::<bool>(),
            0_i64..4_000,
        );
        (who, what, how).prop_map(|(who, what, how)| Step {
            user: who.0,
            roles: who.1,
            tenant: who.2,
            foreign: who.3,
            action: what.0,
            note: what.1,
            owner: what.2,
            level: what.3,
            folder: what.4,
            bundle: how.0,
            hurry: how.1,
            session: how.2,
            now: how.3,
        })
    }

    /// `cargo test -p sealgate-gate --release --lib remembered_decision -- --ignored --nocapture`
    #[test]
    #[ignore = "it measures"]
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement needs the real clock"
    )]
    fn a_remembered_decision_beside_one_that_is_made() {
        const ROUNDS: u32 = 2_000;
        let policies = &bundles()[0];
        let answers = Answers::default();
        let user = User {
            id: "u1".to_owned(),
            roles: vec!["r1".to_owned(), "r2".to_owned()],
            ..User::default()
        };
        let actor = Arc::new(Actor::User(user));
        let mut note = Resource::new("Note", "n1");
        note.attributes
            .insert("owner".to_owned(), Value::Text("u1".to_owned()));
        note.attributes.insert("level".to_owned(), Value::Long(1));
        let context = BTreeMap::new();
        let nanos = |ask: &dyn Fn(&Question<'_>)| {
            let begun = std::time::Instant::now();
            for _ in 0..ROUNDS {
                // As for each request: what is known of the actor is put together anew.
                let principal = Principal::new(Arc::clone(&actor), None);
                ask(&Question {
                    principal: &principal,
                    action: "read",
                    resource: &note,
                    context: &context,
                    credential: "session",
                    issuer: "https://id.example",
                    now: Timestamp::from_millis(0),
                });
            }
            begun.elapsed().as_nanos() / u128::from(ROUNDS)
        };
        let made = nanos(&|question| assert!(policies.decide(question).unwrap().allowed));
        let remembered =
            nanos(&|question| assert!(answers.ask(policies, question).unwrap().verdict.allowed));
        println!("made {made} ns, remembered {remembered} ns");
        assert!(remembered < made);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// Whatever changes between two questions, the bundle among it, the second is answered as if there were
        /// no memory: also where that is so small that most is forgotten.
        #[test]
        fn what_is_remembered_is_never_anything_but_what_would_be_decided_now(
            steps in proptest::collection::vec(steps(), 1..60),
            room in prop_oneof![Just(0_usize), Just(1), Just(4), Just(1_000)],
        ) {
            thread_local! {
                static BUNDLES: Vec<Policies> = bundles();
            }
            BUNDLES.with(|bundles| {
                let answers = Answers::up_to(room);
                for step in &steps {
                    let user = User {
                        id: format!("u{}", step.user),
                        roles: step.roles.iter().map(|role| format!("r{role}")).collect(),
                        tenant: step.tenant.map(|tenant| format!("t{tenant}")),
                        ..User::default()
                    };
                    let foreign = step.foreign.then_some("https://other.example");
                    let principal = Principal::new(Arc::new(Actor::User(user)), foreign);
                    let mut note = Resource::new("Note", format!("n{}", step.note));
                    note.attributes.insert("owner".to_owned(), Value::Text(format!("u{}", step.owner)));
                    note.attributes.insert("level".to_owned(), Value::Long(step.level));
                    note.parents.extend(step.folder.map(|at| Resource::new("Folder", format!("f{at}"))));
                    let action = if step.action { "read" } else { "write" };
                    let hurry = step.hurry.filter(|_| step.action);
                    let context = hurry.map(|hurry| ("hurry".to_owned(), Value::Bool(hurry)));
                    let context = context.into_iter().collect();
                    let question = Question {
                        principal: &principal,
                        action,
                        resource: &note,
                        context: &context,
                        credential: if step.session { "session" } else { "bearer" },
                        issuer: "https://id.example",
                        now: Timestamp::from_millis(step.now),
                    };
                    let policies = &bundles[step.bundle];
                    let expected = policies.decide(&question).unwrap();
                    let answer = answers.ask(policies, &question).unwrap();
                    prop_assert_eq!(&answer.verdict, &expected, "{:?}", step);
                    // And once more, now that it is remembered.
                    prop_assert_eq!(&answers.ask(policies, &question).unwrap().verdict, &expected);
                }
                Ok(())
            })?;
        }
    }
}
