//! Sessions whose seal was opened, so that the next request with the same cookie need not open it again.
//!
//! An entry says only what the seal says. Time, revocation, the request's origin and the route's need are
//! judged at every request.

use std::sync::Arc;

use sealgate_session::{SealError, SessionContent};

use crate::caller::Caller;
use crate::memory::{Memory, Weighed};
use crate::policy::Remembered;

/// The sessions that are kept, at most.
const ENTRIES: usize = 4_096;
/// The bytes that they take up, at most.
const BYTES: usize = 4 * 1024 * 1024;

/// A session, and who comes with it.
pub(super) struct Opened {
    pub(super) content: SessionContent,
    /// As the issuer tells them.
    pub(super) caller: Caller,
    /// What the mapping has made of them.
    pub(super) mapped: Remembered,
    weight: usize,
}

impl Opened {
    /// `content`, whose caller is `caller`, for this request alone.
    pub(super) fn once(content: SessionContent, caller: Caller) -> Self {
        Self {
            content,
            caller,
            mapped: Remembered::default(),
            weight: 0,
        }
    }
}

impl Weighed for Arc<Opened> {
    fn weight(&self) -> usize {
        self.weight
    }
}

/// Opened sessions, by the hash of their cookie.
pub(super) struct OpenedSessions(Memory<Arc<Opened>>);

impl Default for OpenedSessions {
    fn default() -> Self {
        Self(Memory::up_to(ENTRIES, BYTES))
    }
}

impl OpenedSessions {
    /// The session that is sealed in `sealed`: `open` opens it the first time, and `caller` says who comes
    /// with it. What does not open is not remembered.
    pub(super) fn open(
        &self,
        sealed: &[u8],
        open: impl FnOnce() -> Result<SessionContent, SealError>,
        caller: impl FnOnce(SessionContent) -> Caller,
    ) -> Result<Arc<Opened>, SealError> {
        let mark = Memory::<Arc<Opened>>::mark(sealed);
        if let Some(opened) = self.0.get(&mark, |_| true) {
            return Ok(opened);
        }
        let content = open()?;
        let opened = Arc::new(Opened {
            // The content is there twice, once as an actor; the cookie is in base64, and has room for both
            // and for what stands around them. What a mapping makes of the actor is a third one.
            weight: 2_048 + 3 * sealed.len(),
            caller: caller(content.clone()),
            mapped: Remembered::default(),
            content,
        });
        self.0.keep(mark, Arc::clone(&opened));
        Ok(opened)
    }
}
