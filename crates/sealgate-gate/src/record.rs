//! What a record of a decision tells: who, with what, and what came of it.

use sealgate_model::{ActorKind, SessionId};

use crate::caller::{Caller, CredentialKind};
use crate::decision::Decision;

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on to the application.
    Allowed,
    /// The gate refuses it.
    Refused,
    /// The gate answers it, and refuses nothing: its own routes.
    Answered,
    /// It is not decided yet.
    Pending,
}

impl Outcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Pending => "pending",
        }
    }
}

/// What a record of a decision tells. It is made where one is written, and costs nothing elsewhere. Nothing in
/// it is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What came of the request.
    pub outcome: Outcome,
    /// The stable reason code; empty where nothing is refused, and nothing else has to be told.
    pub reason: &'static str,
    /// The status of the gate's answer, if it gives one.
    pub status: Option<u16>,
    /// Kind and id of who made the request. Of a refused one: whom its credential names, once that is certain.
    pub actor: Option<(ActorKind, &'a str)>,
    /// The user for whom an agent acts.
    pub user: Option<&'a str>,
    /// The client that the credential was given to.
    pub client: Option<&'a str>,
    /// How the credential was presented.
    pub credential: Option<CredentialKind>,
    /// The session that it belongs to.
    pub session: Option<SessionId>,
    /// The token's own id.
    pub token: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// What is to be told of a request of `caller`.
    pub fn new(
        outcome: Outcome,
        reason: &'static str,
        status: Option<u16>,
        caller: Option<&'a Caller>,
    ) -> Self {
        let credential = caller.map(|caller| &*caller.credential);
        let actor = caller.map(|caller| &*caller.actor);
        let human = actor.and_then(|actor| actor.human());
        Self {
            outcome,
            reason,
            status,
            actor: actor.map(|actor| (actor.kind(), actor.id())),
            user: human
                .filter(|_| actor.is_some_and(|actor| actor.kind() == ActorKind::Agent))
                .map(|user| user.id.as_str()),
            client: credential.map(|credential| credential.client.as_str()),
            credential: credential.map(|credential| credential.kind),
            session: credential.and_then(|credential| credential.session),
            token: credential.and_then(|credential| credential.token.as_deref()),
        }
    }
}

impl Decision {
    /// What is to be told of it.
    pub fn record(&self) -> Record<'_> {
        match self {
            Self::Allow(allowed) => Record::new(
                Outcome::Allowed,
                allowed.reason,
                None,
                allowed.caller.as_ref(),
            ),
            Self::Respond(response) => Record::new(
                if response.reason.is_empty() {
                    Outcome::Answered
                } else {
                    Outcome::Refused
                },
                response.reason,
                Some(response.status),
                response.caller.as_ref(),
            ),
            Self::Pending(_) => Record::new(Outcome::Pending, "", None, None),
        }
    }
}
