//! The issuers that the gate believes: where they are, what they are like, and with which keys they sign.
//!
//! One of them signs users in; tokens are taken from all. What is asked at a request ([`Issuers::claimed`],
//! [`KeySource::look_up`]) never waits and never asks the network; what has to wait says so.

mod discovery;
mod keys;
mod notice;
mod preset;
mod seen;
mod trust;
mod values;

use std::sync::Arc;

use sealgate_host::Fetch;
use sealgate_model::{Clock, Issuer, Random};

pub(crate) use discovery::{Discovery, Metadata};
pub(crate) use keys::{KeySource, Unverified};
pub(crate) use notice::say_what_is_believed;
pub(crate) use preset::{AccessTokens, IdTokens, Logout, Machine, Marker, PRESETS, Preset, Says};
pub(crate) use values::{Claims, WrongType, first_text, texts, words};

/// One issuer that is believed.
pub(crate) struct TrustedIssuer {
    name: Issuer,
    preset: &'static Preset,
    discovery: Arc<Discovery>,
    keys: Arc<KeySource>,
}

impl TrustedIssuer {
    /// Its identifier, to be compared byte for byte.
    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// What it is like.
    pub(crate) const fn preset(&self) -> &'static Preset {
        self.preset
    }

    /// Its metadata.
    pub(crate) const fn discovery(&self) -> &Arc<Discovery> {
        &self.discovery
    }

    /// Its keys.
    pub(crate) const fn keys(&self) -> &Arc<KeySource> {
        &self.keys
    }
}

/// Every issuer that is believed; the first one is where users sign in.
pub(crate) struct Issuers(Vec<TrustedIssuer>);

/// What issuers are handed to work with.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) fetch: Arc<dyn Fetch>,
}

impl Issuers {
    /// `sign_in`, and `further` ones whose tokens are taken.
    pub(crate) fn new(
        sign_in: (Issuer, &'static Preset),
        further: impl IntoIterator<Item = (Issuer, &'static Preset)>,
        outside: &Outside,
    ) -> Self {
        let mut all = vec![trusted(sign_in, true, outside)];
        all.extend(further.into_iter().map(|one| trusted(one, false, outside)));
        Self(all)
    }

    /// Where users sign in.
    pub(crate) fn sign_in(&self) -> &TrustedIssuer {
        // `new` puts it there.
        &self.0[0]
    }

    /// The issuer that a token says it is from, if it is believed. The word of a token that is not verified
    /// chooses here, and nothing else follows from it: the keys it is verified with are that issuer's, and
    /// its `iss` has to be that issuer's once more when they hold. With one issuer there is no choice.
    pub(crate) fn claimed(&self, token: &str) -> Option<&TrustedIssuer> {
        if let [only] = self.0.as_slice() {
            return Some(only);
        }
        let claimed = sealgate_jose::claimed_issuer(token).ok()??;
        self.0.iter().find(|issuer| issuer.name() == claimed)
    }

    /// The issuer in place `index`; none past the last one. The sign-in issuer is the first.
    pub(crate) fn get(&self, index: usize) -> Option<&TrustedIssuer> {
        self.0.get(index)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &TrustedIssuer> {
        self.0.iter()
    }

    /// Keeps the keys of all of them fresh until the future is dropped.
    pub(crate) async fn follow(&self) {
        let every = self.0.iter().map(|issuer| issuer.keys.follow());
        futures_util::future::join_all(every).await;
    }
}

fn trusted(
    (name, preset): (Issuer, &'static Preset),
    signs_in: bool,
    outside: &Outside,
) -> TrustedIssuer {
    let discovery = Arc::new(Discovery::new(
        name.clone(),
        signs_in,
        Arc::clone(&outside.fetch),
        Arc::clone(&outside.clock),
    ));
    TrustedIssuer {
        keys: Arc::new(KeySource::new(Arc::clone(&discovery), outside.clone())),
        name,
        preset,
        discovery,
    }
}
