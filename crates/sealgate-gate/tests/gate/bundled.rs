//! The bundle of policies as the stand-in for the control plane hands it out.

use sealgate_policy::{BUNDLE_TYPE, Document, digest_of};
use serde_json::{Value, json};

use crate::provider::ISSUER;

/// What the control plane hands out.
#[derive(Default)]
pub(crate) struct Bundled {
    pub(crate) version: u64,
    pub(crate) made_at: i64,
    pub(crate) document: Option<String>,
    /// Changes to the claims.
    pub(crate) changes: Vec<(&'static str, Value)>,
    pub(crate) typ: Option<&'static str>,
    /// The place of the key that signs it.
    pub(crate) signing: usize,
    /// How often it was asked for.
    pub(crate) asked: usize,
    pub(crate) down: bool,
}

impl Bundled {
    pub(crate) fn typ(&self) -> &'static str {
        self.typ.unwrap_or(BUNDLE_TYPE)
    }

    pub(crate) fn claims(&self, nonce: &str) -> Value {
        let nothing = || Document::default().to_json().unwrap();
        let document = self.document.clone().unwrap_or_else(nothing);
        let mut claims = json!({
            "iss": ISSUER, "aud": "expenses", "iat": 1_790_000_000, "nonce": nonce, "format": 1,
            "version": self.version, "made_at": self.made_at, "digest": digest_of(&document),
            "document": document,
        });
        for (claim, value) in &self.changes {
            claims[*claim] = value.clone();
        }
        claims
    }
}
