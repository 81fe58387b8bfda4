//! A browser, as far as a gate can see it: a cookie jar and a few headers.

use std::collections::BTreeMap;

use sealgate_gate::{
    Allowed, Decision, Gate, Kinds, Need, Request, Requirement, Response, Transport,
};
use url::Url;

use crate::provider::{ISSUER, World};

#[derive(Default, Clone)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
    /// Headers sent with every request.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The host it believes to be at, if not the application's own.
    pub(crate) host: Option<&'static str>,
}

/// What a browser sends with a request that a page of the application makes.
pub(crate) fn from_here() -> Vec<(&'static str, String)> {
    vec![("origin", "https://app.example".to_owned())]
}

pub(crate) fn user() -> Requirement {
    Requirement::Actor(Need::of(Kinds::USER))
}

impl Browser {
    /// Sends a request to the gate and carries it through, keeping the cookies that come back.
    pub(crate) async fn send(
        &mut self,
        gate: &Gate,
        method: &str,
        target: &str,
        requirement: &Requirement,
    ) -> Result<Allowed, Response> {
        let decision = self.decide(gate, Transport::Http, method, target, requirement);
        let decision = match decision {
            Decision::Pending(pending) => gate.finish(*pending).await,
            decision => decision,
        };
        match decision {
            Decision::Allow(allowed) => {
                self.keep(allowed.set_cookies.iter());
                Ok(allowed)
            }
            Decision::Respond(response) => {
                let cookies = response
                    .headers
                    .iter()
                    .filter(|(name, _)| *name == "set-cookie");
                self.keep(cookies.map(|(_, value)| value));
                Err(response)
            }
            Decision::Pending(_) => panic!("a finished decision is pending"),
        }
    }

    /// The status and reason with which a request is refused.
    pub(crate) async fn denied(
        &mut self,
        gate: &Gate,
        method: &str,
        target: &str,
        requirement: &Requirement,
    ) -> (u16, &'static str) {
        let response = self
            .send(gate, method, target, requirement)
            .await
            .unwrap_err();
        (response.status, response.reason)
    }

    /// Asks for a page by following a link.
    pub(crate) async fn open(&mut self, gate: &Gate, target: &str) -> Result<Allowed, Response> {
        self.headers.push(("sec-fetch-mode", "navigate".to_owned()));
        let result = self.send(gate, "GET", target, &user()).await;
        self.headers.pop();
        result
    }

    pub(crate) fn decide(
        &self,
        gate: &Gate,
        transport: Transport,
        method: &str,
        target: &str,
        requirement: &Requirement,
    ) -> Decision {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let jar: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let jar = jar.join("; ");
        let host = self.host.unwrap_or("app.example");
        let mut headers: Vec<(&[u8], &[u8])> = vec![(b"host", host.as_bytes())];
        if !jar.is_empty() {
            headers.push((b"cookie", jar.as_bytes()));
        }
        headers.extend(
            self.headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        );
        gate.decide(
            &Request {
                transport,
                method,
                path,
                query: query.as_bytes(),
                headers: &headers,
            },
            requirement,
        )
    }

    fn keep<'a>(&mut self, set_cookies: impl Iterator<Item = &'a String>) {
        for cookie in set_cookies {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.ends_with("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(crate) fn session(&self) -> Option<&str> {
        self.cookies.get("__Host-Http-sealgate").map(String::as_str)
    }
}

/// A sign-in that has begun: the parameters sent to the provider.
pub(crate) struct Begun(BTreeMap<String, String>);

impl Begun {
    pub(crate) fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The provider's good answer, as a target at the application.
    pub(crate) fn answer(&self) -> String {
        format!(
            "/auth/callback?code=c0de&state={}&iss={ISSUER}",
            self.get("state")
        )
    }
}

/// Begins a sign-in, and makes the provider ready to complete it.
pub(crate) async fn begin(world: &World, browser: &mut Browser, login: &str) -> Begun {
    let response = browser
        .send(&world.gate, "GET", login, &user())
        .await
        .unwrap_err();
    assert_eq!(response.status, 303);
    let url = Url::parse(location(&response)).unwrap();
    let begun = Begun(url.query_pairs().into_owned().collect());
    world.state().nonce = Some(begun.get("nonce").to_owned());
    begun
}

/// A browser that is signed in.
pub(crate) async fn signed_in(world: &World) -> Browser {
    let mut browser = Browser::default();
    let begun = begin(world, &mut browser, "/auth/login?return_to=/expenses").await;
    let response = browser
        .send(&world.gate, "GET", &begun.answer(), &user())
        .await
        .unwrap_err();
    assert_eq!((response.status, location(&response)), (303, "/expenses"));
    assert!(browser.session().is_some());
    browser
}

pub(crate) fn location(response: &Response) -> &str {
    header(response, "location").unwrap()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers
        .iter()
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value.as_str())
}
