//! From a question to a verdict.

use std::collections::BTreeMap;

use cedar_policy::{Authorizer, Context, Decision, Entities, Request, RestrictedExpression};
use sealgate_model::{ActorKind, Timestamp};
use thiserror::Error;

use super::compile::{Plan, Policies};
use super::key::Key;
use super::principal::Principal;
use super::value::{Maker, Resource, Value, moment};

/// May this actor do that with this resource?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// The name of the action.
    pub action: &'a str,
    /// With what.
    pub resource: &'a Resource,
    /// What the application tells beside the resource.
    pub context: &'a BTreeMap<String, Value>,
    /// What the actor came with: `session`, `bearer`, `dpop` or `test`.
    pub credential: &'a str,
    /// Who vouches for the actor.
    pub issuer: &'a str,
    /// When it is asked. Policies see the second.
    pub now: Timestamp,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether they may.
    pub allowed: bool,
    /// The ids of the policies that decided: the permits, or the forbids that won over them; none where nothing
    /// permits it.
    pub determining: Vec<String>,
    /// The policies that could not be evaluated. Where there is one, nobody may.
    pub errors: Vec<Fault>,
}

/// A policy that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its id.
    pub policy: String,
    /// Why, in Cedar's words. It may repeat what is told of the resource: it is for developers, and not for callers.
    pub message: String,
}

/// Why a question has no answer. Whoever asked it may not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// No action of that name is declared.
    #[error("there is no action {0:?} in the policies")]
    Action(String),
    /// The action is not for that kind of actor.
    #[error("the action {action:?} is not for a {actor}")]
    Actor {
        /// The action.
        action: String,
        /// The kind of actor.
        actor: &'static str,
    },
    /// The action is not done with that kind of resource.
    #[error("the action {action:?} is not done with {kind:?}")]
    Resource {
        /// The action.
        action: String,
        /// The kind of resource.
        kind: String,
    },
    /// There is no such kind of resource, or it is one that applications tell nothing of.
    #[error("{place}: nothing can be told of {kind:?}")]
    Kind {
        /// Where, as in `resource.owner`.
        place: String,
        /// The kind.
        kind: String,
    },
    /// A value is of another type than is declared.
    #[error("{place} is not of the declared type, {expected}")]
    Type {
        /// Where.
        place: String,
        /// The declared type.
        expected: String,
    },
    /// A value is of the declared type, and none that there can be.
    #[error("{0} cannot be used: {1}")]
    Value(String, String),
    /// An attribute that is always there is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// An attribute is not declared.
    #[error("{0} is not declared")]
    Undeclared(String),
    /// Two things are told of one resource.
    #[error("{0} is told of twice, and differently")]
    Conflict(String),
    /// More is told than is taken.
    #[error("more is told of the resource than is taken")]
    Oversize,
}

impl QuestionError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Action(_) => "policy_action_unknown",
            Self::Actor { .. } => "policy_actor_wrong",
            Self::Resource { .. } | Self::Kind { .. } => "policy_resource_wrong",
            Self::Type { .. }
            | Self::Value(..)
            | Self::Missing(_)
            | Self::Undeclared(_)
            | Self::Conflict(_) => "policy_attribute_wrong",
            Self::Oversize => "policy_question_oversize",
        }
    }
}

impl Question<'_> {
    /// Everything that its answer by `policies` depends on, these included, as bytes. Where no policy looks at the
    /// time that is no part of it.
    pub fn key(&self, policies: &Policies) -> Box<[u8]> {
        let mut key = Key::with_capacity(self.principal.key.len() + 128);
        key.number(policies.identity.cast_signed());
        key.bytes(&self.principal.key);
        key.text(self.action);
        key.resource(self.resource);
        key.fields(self.context);
        key.text(self.credential);
        key.text(self.issuer);
        if policies.reads_time {
            key.number(second(self.now));
        }
        key.into_bytes()
    }
}

/// The milliseconds of the second that `now` is in.
const fn second(now: Timestamp) -> i64 {
    now.as_millis() - now.as_millis().rem_euclid(1_000)
}

/// A question as Cedar takes it.
pub(crate) struct Prepared<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) slot: usize,
    pub(crate) request: Request,
    pub(crate) entities: Entities,
}

impl Policies {
    /// The answer to `question`. Whatever cannot be evaluated denies, and one forbid wins over all permits.
    ///
    /// # Errors
    /// Where what is asked does not fit what is declared, before any policy is looked at.
    pub fn decide(&self, question: &Question<'_>) -> Result<Verdict, QuestionError> {
        let prepared = self.prepare(question)?;
        let Some(slice) = &prepared.plan.slices[prepared.slot] else {
            return Err(actor_wrong(question));
        };
        let answer = Authorizer::new().is_authorized(&prepared.request, slice, &prepared.entities);
        let errors: Vec<Fault> = answer
            .diagnostics()
            .errors()
            .map(|error| {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                Fault {
                    policy: error.policy_id().to_string(),
                    message: error.inner().to_string(),
                }
            })
            .collect();
        let mut determining: Vec<String> = answer
            .diagnostics()
            .reason()
            .map(ToString::to_string)
            .collect();
        determining.sort_unstable();
        Ok(Verdict {
            allowed: answer.decision() == Decision::Allow && errors.is_empty(),
            determining,
            errors,
        })
    }

    pub(crate) fn prepare<'a>(
        &'a self,
        question: &Question<'a>,
    ) -> Result<Prepared<'a>, QuestionError> {
        let action = question.action;
        let Some(plan) = self.plans.get(action) else {
            return Err(QuestionError::Action(action.chars().take(128).collect()));
        };
        let slot = match question.principal.kind() {
            ActorKind::User => 0,
            ActorKind::Machine => 1,
            ActorKind::Agent => 2,
        };
        if plan.slices[slot].is_none() {
            return Err(actor_wrong(question));
        }
        let resource = question.resource;
        if !plan.resources.contains(&resource.kind) {
            return Err(QuestionError::Resource {
                action: action.to_owned(),
                kind: resource.kind.chars().take(128).collect(),
            });
        }
        let mut maker = Maker::new(&self.source, &self.types);
        let subject = maker.subject(resource)?;
        let mut told: Vec<(String, RestrictedExpression)> = maker
            .record(&plan.context, question.context, "context", 0)?
            .collect();
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        told.push(("credential".to_owned(), text(question.credential)));
        told.push(("issuer".to_owned(), text(question.issuer)));
        // Where no policy looks at the time nobody misses it, and to read it takes as long as to decide.
        if self.reads_time {
            let now = moment(second(question.now)).ok_or_else(|| {
                QuestionError::Value("context.now".to_owned(), "it is out of range".to_owned())
            })?;
            told.push(("now".to_owned(), RestrictedExpression::new_datetime(now)));
        }
        let context = Context::from_pairs(told)
            .map_err(|error| QuestionError::Value("context".to_owned(), error.to_string()))?;
        let (principal, actors) = question.principal.entities(&self.types)?;
        let entities = assembled(maker.entities().chain(actors), plan)?;
        let request = Request::new(principal, plan.uid.clone(), subject, context, None)
            .map_err(|error| QuestionError::Value("context".to_owned(), error.to_string()))?;
        Ok(Prepared {
            plan,
            slot,
            request,
            entities,
        })
    }
}

fn assembled(
    made: impl Iterator<Item = cedar_policy::Entity>,
    plan: &Plan,
) -> Result<Entities, QuestionError> {
    let entities = made.chain(plan.entities.iter().cloned());
    Entities::from_entities(entities, None)
        .map_err(|error| QuestionError::Conflict(error.to_string()))
}

fn actor_wrong(question: &Question<'_>) -> QuestionError {
    QuestionError::Actor {
        action: question.action.to_owned(),
        actor: question.principal.kind().as_str(),
    }
}
