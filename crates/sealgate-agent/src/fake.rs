//! Servers for tests: answers are written down beforehand, requests are kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{AgentError, Boxed, Deed, Http, HttpRequest, HttpResponse, Reach, WebUrl};

/// What was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) form: HashMap<String, String>,
    pub(crate) json: Option<serde_json::Value>,
    pub(crate) authorization: Option<String>,
    pub(crate) dpop: Option<String>,
}

#[derive(Default)]
pub(crate) struct FakeHttp {
    answers: Mutex<HashMap<String, Vec<HttpResponse>>>,
    sent: Mutex<Vec<Sent>>,
}

impl FakeHttp {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answers with these, one after the other, and then with the last of them.
    pub(crate) fn answer(&self, url: &str, answers: Vec<HttpResponse>) {
        lock(&self.answers).insert(url.to_owned(), answers);
    }

    pub(crate) fn serve(&self, url: &str, json: &str) {
        self.answer(url, vec![json_answer(200, json)]);
    }

    pub(crate) fn status(&self, url: &str, status: u16) {
        self.answer(url, vec![json_answer(status, "{}")]);
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        lock(&self.sent).clone()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.url).collect()
    }

    /// What was sent to `url`, in order.
    pub(crate) fn sent_to(&self, url: &str) -> Vec<Sent> {
        self.sent()
            .into_iter()
            .filter(|sent| sent.url == url)
            .collect()
    }
}

pub(crate) fn json_answer(status: u16, json: &str) -> HttpResponse {
    HttpResponse {
        status,
        is_json: true,
        body: json.as_bytes().to_vec(),
        ..HttpResponse::default()
    }
}

impl Http for FakeHttp {
    fn send(&self, request: HttpRequest) -> Boxed<'_, Result<HttpResponse, AgentError>> {
        let url = request.url.as_str().to_owned();
        let (mut form, mut json) = (HashMap::new(), None);
        match request.deed {
            Deed::Get => {}
            Deed::Form(fields) => {
                for (name, value) in fields {
                    form.insert(name.to_owned(), value.expose().to_owned());
                }
            }
            Deed::Json(text) => json = serde_json::from_str(text.expose()).ok(),
        }
        let plain = |secret: sealgate_model::Secret| secret.expose().to_owned();
        lock(&self.sent).push(Sent {
            url: url.clone(),
            form,
            json,
            authorization: request.authorization.map(plain),
            dpop: request.dpop.map(plain),
        });
        let mut answers = lock(&self.answers);
        let answer = match answers.get_mut(&url) {
            Some(left) if left.len() > 1 => left.remove(0),
            Some(left) => left.first().cloned().unwrap_or_default(),
            None => json_answer(404, "{}"),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }

    fn reach<'a>(&'a self, _url: &'a WebUrl) -> Boxed<'a, Result<Reach, AgentError>> {
        Box::pin(std::future::ready(Ok(Reach::Private)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
