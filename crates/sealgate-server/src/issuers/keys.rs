//! The keys of issuers: registered, or fetched from where the issuer publishes them.

use std::sync::Arc;

use sealgate_jose::object::from_slice;
use sealgate_jose::{JwkSet, VerifyingKeys};
use sealgate_oauth::OAuthError;
use sealgate_oauth::identity::BUNDLE_SCHEME;
use sealgate_store::IdentityIssuer;
use serde::Deserialize;

use crate::ControlPlane;
use crate::oauth::client_keys;
use crate::oauth::refusal::faulty;

/// Where keys are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A JWK set at this URL.
    Set(String),
    /// The bundle of a SPIFFE trust domain at this URL.
    Bundle(String),
    /// A JWK set at the URL that the metadata of this issuer names (OpenID Connect Discovery).
    Metadata(String),
}

impl Source {
    /// The URL, or the issuer.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Set(text) | Self::Bundle(text) | Self::Metadata(text) => text,
        }
    }

    fn of(issuer: &IdentityIssuer) -> Self {
        match &issuer.details.jwks_uri {
            Some(uri) if is_bundle(issuer) => Self::Bundle(uri.clone()),
            Some(uri) => Self::Set(uri.clone()),
            None => Self::Metadata(issuer.issuer.clone()),
        }
    }
}

/// Whether an issuer is a trust domain and nothing else, whose keys come as a bundle.
pub(crate) fn is_bundle(issuer: &IdentityIssuer) -> bool {
    issuer.issuer.starts_with(BUNDLE_SCHEME)
}

/// Those of a set of keys that are of use with this issuer.
pub(crate) fn usable(issuer: &IdentityIssuer, set: JwkSet) -> VerifyingKeys {
    if is_bundle(issuer) {
        VerifyingKeys::from_jwks(&for_svids(set))
    } else {
        VerifyingKeys::from_jwks(&set)
    }
}

/// The keys of `issuer`. With `missing` an assertion names a key that is not among those that were given before.
pub(super) async fn of(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    missing: bool,
) -> Result<Arc<VerifyingKeys>, OAuthError> {
    if let Some(registered) = &issuer.details.jwks {
        let json = serde_json::to_vec(registered).map_err(faulty)?;
        let set = JwkSet::parse(&json).map_err(faulty)?;
        return Ok(Arc::new(usable(issuer, set)));
    }
    let source = Source::of(issuer);
    let fetched = client_keys::of_issuer(plane, &issuer.issuer, &source, missing).await;
    fetched.ok_or(OAuthError::IdentityKeysUnavailable)
}

/// The keys of a trust bundle that sign JWT-SVIDs (SPIFFE Trust Domain and Bundle, 4.2.2; JWT-SVID, 5.3.2): those
/// for this use and with an id. Those for X.509 are for something else.
pub(crate) fn for_svids(set: JwkSet) -> JwkSet {
    let keys = set.keys.into_iter().filter_map(|mut key| {
        let is_one = key.usage.as_deref() == Some("jwt-svid")
            && key.kid.as_deref().is_some_and(|kid| !kid.is_empty());
        key.usage = Some("sig".to_owned());
        is_one.then_some(key)
    });
    JwkSet {
        keys: keys.collect(),
    }
}

/// Where an issuer has its metadata (OpenID Connect Discovery, 4.1): a slash at its end is not doubled.
pub(crate) fn metadata_url(issuer: &str) -> String {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{base}/.well-known/openid-configuration")
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Where an issuer's metadata says that its keys are. They must be its own (4.3).
pub(crate) fn keys_in_metadata(issuer: &str, body: &[u8]) -> Result<String, String> {
    let metadata: Metadata = from_slice(body).map_err(|_| "metadata malformed".to_owned())?;
    if metadata.issuer == issuer {
        Ok(metadata.jwks_uri)
    } else {
        Err("the metadata is of another issuer".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use sealgate_jose::SigningKey;

    use super::*;

    #[test]
    fn metadata_names_the_keys_of_its_own_issuer_only() {
        let issuer = "https://gitlab.example/";
        assert_eq!(
            metadata_url(issuer),
            "https://gitlab.example/.well-known/openid-configuration"
        );
        let body = |issuer: &str| {
            let body =
                serde_json::json!({ "issuer": issuer, "jwks_uri": "https://k.example", "x": [] });
            body.to_string().into_bytes()
        };
        assert_eq!(
            keys_in_metadata(issuer, &body(issuer)).as_deref(),
            Ok("https://k.example")
        );
        assert!(keys_in_metadata(issuer, &body("https://gitlab.example")).is_err());
        assert!(keys_in_metadata(issuer, b"[]").is_err());
        let twice = br#"{"issuer":"https://gitlab.example/","jwks_uri":"a","jwks_uri":"b"}"#;
        assert!(keys_in_metadata(issuer, twice).is_err());
    }

    #[test]
    fn of_a_bundle_only_the_keys_for_svids_are_taken() {
        let key = SigningKey::from_seed("k1", &[1; 32]).unwrap().public_jwk();
        let with = |usage: Option<&str>, kid: Option<&str>| {
            let mut key = key.clone();
            key.usage = usage.map(str::to_owned);
            key.kid = kid.map(str::to_owned);
            key
        };
        let taken =
            |key: sealgate_jose::Jwk| !for_svids(JwkSet { keys: vec![key] }).keys.is_empty();
        assert!(taken(with(Some("jwt-svid"), Some("k1"))));
        for (usage, kid) in [
            (Some("x509-svid"), Some("k1")),
            (Some("sig"), Some("k1")),
            (None, Some("k1")),
            (Some("jwt-svid"), None),
            (Some("jwt-svid"), Some("")),
        ] {
            assert!(!taken(with(usage, kid)), "{usage:?} {kid:?}");
        }
    }
}
