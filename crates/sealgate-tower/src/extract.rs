//! Who called, for axum handlers: `async fn orders(user: User)`.
//!
//! The layer has decided already whether the request may pass. An extractor says who made it, and refuses,
//! with the gate's own answer, a caller of another kind than the handler takes: 401 where nobody called, 403
//! where somebody else did. Where no [`crate::GateLayer`] stands in front, every extractor answers 500 and
//! says so in the log: without a gate there is nobody to believe.
//!
//! `Option<…>` of each is `None` where nobody called. Somebody of another kind is not nobody: that is 403 too.

use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use sealgate_gate::{Kinds, Need, Requirement};
use sealgate_model::{Actor, ActorKind};

use crate::answer;
use crate::passed::Passed;

/// Whoever called, of any kind, and what they came with.
#[derive(Debug, Clone)]
pub struct Caller(pub sealgate_gate::Caller);

/// A user who called: signed in, or by a token.
#[derive(Debug, Clone)]
pub struct User(pub sealgate_model::User);

/// A service, job or workload that called for itself.
#[derive(Debug, Clone)]
pub struct Machine(pub sealgate_model::Machine);

/// An AI client that called, for a user or for itself.
#[derive(Debug, Clone)]
pub struct Agent(pub sealgate_model::Agent);

/// Why there is no such caller.
#[derive(Debug)]
pub enum Rejection {
    /// No gate stands in front of this route.
    NoGate,
    /// The gate's own answer.
    Refused(Box<sealgate_gate::Response>),
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoGate => {
                tracing::error!(
                    "a handler asked who called, but no GateLayer stands in front of its route"
                );
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
            Self::Refused(refusal) => {
                answer::own::<axum::body::Body>(*refusal).map(axum::body::Body::new)
            }
        }
    }
}

impl Deref for Caller {
    type Target = sealgate_gate::Caller;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The caller, if there is one, of one of `kinds`.
fn of(parts: &Parts, kinds: Kinds) -> Result<Option<&sealgate_gate::Caller>, Rejection> {
    let passed = parts.extensions.get::<Passed>().ok_or(Rejection::NoGate)?;
    let Some(caller) = passed.caller() else {
        return Ok(None);
    };
    let need = Requirement::Actor(Need::of(kinds));
    match passed.gate().refusal(Some(caller), &need) {
        Some(refusal) => {
            passed.refused(&refusal);
            Err(Rejection::Refused(Box::new(refusal)))
        }
        None => Ok(Some(caller)),
    }
}

/// The refusal of nobody.
fn nobody(parts: &Parts, kinds: Kinds) -> Rejection {
    let need = Requirement::Actor(Need::of(kinds));
    let passed = parts.extensions.get::<Passed>();
    let refusal = passed.and_then(|passed| {
        let refusal = passed.gate().refusal(None, &need)?;
        passed.refused(&refusal);
        Some(refusal)
    });
    refusal.map_or(Rejection::NoGate, |refusal| {
        Rejection::Refused(Box::new(refusal))
    })
}

macro_rules! extractor {
    ($name:ident, $kinds:expr, $make:expr) => {
        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Rejection;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
                let found = of(parts, $kinds)?.and_then($make);
                found.ok_or_else(|| nobody(parts, $kinds))
            }
        }

        impl<S: Send + Sync> OptionalFromRequestParts<S> for $name {
            type Rejection = Rejection;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, Rejection> {
                Ok(of(parts, $kinds)?.and_then($make))
            }
        }
    };
}

macro_rules! actor {
    ($name:ident) => {
        extractor!(
            $name,
            Kinds::only(ActorKind::$name),
            |caller: &sealgate_gate::Caller| {
                match &*caller.actor {
                    Actor::$name(actor) => Some(Self(actor.clone())),
                    _ => None,
                }
            }
        );

        impl Deref for $name {
            type Target = sealgate_model::$name;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}

extractor!(Caller, Kinds::ANY, |caller: &sealgate_gate::Caller| Some(
    Self(caller.clone())
));
actor!(User);
actor!(Machine);
actor!(Agent);
