//! Security events as the OpenID Shared Signals Framework 1.0 profiles them: the tokens that carry them
//! (RFC 8417), whom they are about (RFC 9493), and the events of CAEP 1.0, RISC 1.0 and of streams.
//!
//! [`Set`] is both what a transmitter signs and what a receiver reads. What has been read cannot be
//! something else than it says: `sub` and `exp` are not there, there is one event, and each identifier has
//! the members of its format and no others.

mod event;
mod request;
mod set;
mod subject;
#[cfg(test)]
mod tests;

pub use event::{Circumstances, Event, Initiator, Texts, uris};
pub use request::{
    Delivery, PollRequest, RequestError, StatusRequest, StreamRequest, SubjectRequest,
    VerificationRequest,
};
pub use set::Set;
pub use subject::{ComplexSubject, Subject, SubjectId};

use thiserror::Error;

/// Why something is no security event that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignalError {
    /// It is larger, deeper or has more in it than anything honest.
    #[error("the security event is too large")]
    TooLarge,
    /// It is not JSON, a name stands twice in it, or a member has another type than it must have.
    #[error("the security event is malformed: {0}")]
    Malformed(&'static str),
    /// It holds a claim that it must not hold (SSF 1.0, 4.1: `sub` and `exp`): it may be another token.
    #[error("a security event must not have the claim {0}")]
    Forbidden(&'static str),
    /// It holds no event, or more than one.
    #[error("a security event token holds exactly one event")]
    NotOneEvent,
    /// A subject identifier has a format that is not known, or not the members of its format.
    #[error("the subject identifier is not as its format asks: {0}")]
    Subject(&'static str),
    /// The members of an event that is known are not as its type asks.
    #[error("the event is not as its type asks: {0}")]
    Event(&'static str),
}

impl SignalError {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "set_too_large",
            Self::Malformed(_) => "set_malformed",
            Self::Forbidden(_) => "set_claim_forbidden",
            Self::NotOneEvent => "set_not_one_event",
            Self::Subject(_) => "set_subject_malformed",
            Self::Event(_) => "set_event_malformed",
        }
    }
}
