//! What a probe is told beside the routes.

use std::collections::{BTreeMap, BTreeSet};

use sealgate_inventory::RouteKey;

use crate::identity::Identity;
use crate::openapi::Document;
use crate::slot::Slot;

/// Whether requests may be sent that may change something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leave {
    /// Only methods that are safe by RFC 9110, section 9.2.1.
    #[default]
    SafeOnly,
    /// Every method.
    Every,
}

impl Leave {
    /// Whether a request with `method` may be sent.
    pub fn covers(self, method: &str) -> bool {
        self == Self::Every || is_safe(method)
    }
}

/// Whether a method is meant to change nothing.
pub fn is_safe(method: &str) -> bool {
    ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"].contains(&method)
}

/// What a probe is told beside the routes. There are secrets in it: it does not print.
#[derive(Clone)]
pub struct Settings {
    /// What `Host` the transport sends by itself: redirects there are followed.
    pub authority: String,
    /// Whether requests may be sent that may change something.
    pub leave: Leave,
    /// Paths to which a redirect is a denial, besides the usual ones.
    pub login_paths: Vec<String>,
    /// Values of path parameters, by their names.
    pub params: BTreeMap<String, String>,
    /// Where credentials are put, besides what the application and the identities tell.
    pub slots: Vec<Slot>,
    /// Who is known to the application.
    pub identities: Vec<Identity>,
    /// Secrets to sign forged tokens with, besides those that are well known.
    pub weak_secrets: Vec<String>,
    /// Unpredictable: forged tokens are signed with what comes from it.
    pub seed: [u8; 32],
    /// The gates before a route, where the inventory does not have them.
    pub behind: BTreeMap<RouteKey, BTreeSet<String>>,
    /// Whether every route is asked with everything, also those behind the very same gates.
    pub thorough: bool,
    /// What the application says of itself.
    pub openapi: Option<Document>,
}

impl Settings {
    /// With nothing told.
    pub fn new(authority: impl Into<String>, seed: [u8; 32]) -> Self {
        Self {
            authority: authority.into(),
            leave: Leave::default(),
            login_paths: Vec::new(),
            params: BTreeMap::new(),
            slots: Vec::new(),
            identities: Vec::new(),
            weak_secrets: Vec::new(),
            seed,
            behind: BTreeMap::new(),
            thorough: false,
            openapi: None,
        }
    }
}
