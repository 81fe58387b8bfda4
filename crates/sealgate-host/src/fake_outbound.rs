//! An outbound client for tests: answers are written down beforehand, requests are kept.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_model::Secret;

use crate::delivery::{Delivered, Delivery};
use crate::guarded::{AddressPolicy, OutboundTarget};
use crate::outbound::{Errand, Outbound, OutboundError, OutboundRequest, OutboundResponse};

/// What was sent to a [`FakeOutbound`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRequest {
    /// The URL.
    pub url: String,
    /// The form's fields; none if no form was sent.
    pub form: Option<Vec<(&'static str, String)>>,
    /// Another text that was posted: its type, the `Authorization` header and the text itself.
    pub text: Option<(&'static str, Option<String>, String)>,
}

type Answer = Result<OutboundResponse, OutboundError>;

/// Answers from memory; what nobody wrote down is [`OutboundError::Unreachable`]. URLs are judged by the
/// real rules.
#[derive(Debug, Default)]
pub struct FakeOutbound {
    answers: Mutex<HashMap<String, Answer>>,
    sent: Mutex<Vec<SentRequest>>,
    handed: Mutex<Vec<Delivery>>,
    outcomes: Mutex<VecDeque<Result<Delivered, OutboundError>>>,
}

impl FakeOutbound {
    /// Knows no answer.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on answers requests to `url` with `answer`.
    pub fn set(&self, url: &str, answer: Answer) {
        lock(&self.answers).insert(url.to_owned(), answer);
    }

    /// From now on answers requests to `url` with status 200 and `body`.
    pub fn serve(&self, url: &str, body: impl Into<Vec<u8>>, max_age: Option<Duration>) {
        let body = body.into();
        let answer = OutboundResponse {
            status: 200,
            body,
            max_age,
        };
        self.set(url, Ok(answer));
    }

    /// What becomes of the next delivery that has no outcome yet; without one it is taken with status 200.
    pub fn next_delivery(&self, outcome: Result<Delivered, OutboundError>) {
        lock(&self.outcomes).push_back(outcome);
    }

    /// Everything that was handed over since this was last asked, in order.
    pub fn take_delivered(&self) -> Vec<Delivery> {
        std::mem::take(&mut *lock(&self.handed))
    }

    /// Everything that was sent, in order.
    pub fn sent(&self) -> Vec<SentRequest> {
        lock(&self.sent).clone()
    }
}

impl Outbound for FakeOutbound {
    fn check(&self, url: &str) -> Result<(), OutboundError> {
        OutboundTarget::parse(url, &AddressPolicy::public().with_loopback()).map(|_| ())
    }

    fn send(&self, request: OutboundRequest) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        let answer = self.check(&request.url).and_then(|()| {
            let known = lock(&self.answers).get(&request.url).cloned();
            known.unwrap_or_else(|| Err(OutboundError::Unreachable("nobody there".to_owned())))
        });
        let answer = answer.and_then(|mut answer| match request.errand {
            Errand::GetJson if answer.body.len() > request.limit => {
                Err(OutboundError::TooLarge(request.limit))
            }
            _ => {
                answer.body.truncate(request.limit);
                Ok(answer)
            }
        });
        let plain = |secret: Secret| secret.expose().to_owned();
        let (form, text) = match request.errand {
            Errand::GetJson => (None, None),
            Errand::PostForm(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, plain(value)));
                (Some(fields.collect()), None)
            }
            Errand::PostText {
                content_type,
                authorization,
                body,
            } => (
                None,
                Some((content_type, authorization.map(plain), plain(body))),
            ),
        };
        lock(&self.sent).push(SentRequest {
            url: request.url,
            form,
            text,
        });
        Box::pin(std::future::ready(answer))
    }

    fn check_host(&self, host: &str, port: u16) -> Result<(), OutboundError> {
        OutboundTarget::host(host, port, &AddressPolicy::public().with_loopback()).map(|_| ())
    }

    fn deliver(
        &self,
        delivery: Delivery,
    ) -> Pin<Box<dyn Future<Output = Result<Delivered, OutboundError>> + Send + '_>> {
        lock(&self.handed).push(delivery);
        let taken = Delivered {
            status: 200,
            ..Delivered::default()
        };
        let outcome = lock(&self.outcomes).pop_front().unwrap_or(Ok(taken));
        Box::pin(std::future::ready(outcome))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
