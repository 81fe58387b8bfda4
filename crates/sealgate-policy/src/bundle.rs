//! The bundle: one version of everything that gates decide by besides credentials, and the token that it
//! travels in.
//!
//! The control plane keeps a [`Document`] for each version and signs it, with its number and its time, for one
//! client and one question. The form is `docs/spec/policy-bundle.md`.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use sealgate_model::{ClientId, Issuer, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::PolicyError;
use crate::cedar::{self, PolicySource};
use crate::mapping::Mapping;

/// The JWS type of a bundle.
pub const BUNDLE_TYPE: &str = "sealgate-policy+jwt";
/// The longest compact JWS of a bundle, in bytes.
pub const BUNDLE_LIMIT: usize = 1024 * 1024;
/// The longest document of a version, in bytes of JSON: as a text in a token, with every character escaped and in
/// base64url, it is hardly longer than [`BUNDLE_LIMIT`] less a few claims.
pub const DOCUMENT_LIMIT: usize = 380 * 1024;
/// How deep a document may be nested.
pub const DEPTH_LIMIT: usize = 32;
/// The form of the documents that this program writes, and the newest that it reads.
pub const FORMAT: u64 = 1;
/// The longest nonce of a question for a bundle, in bytes of `A-Z a-z 0-9 - _`.
pub const NONCE_LIMIT: usize = 128;
/// The largest integer that every JSON reader keeps exactly (RFC 8259, 6).
const INTEGER_LIMIT: u64 = (1 << 53) - 1;

/// One version of the mapping and the policies, as the control plane hands it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its number: from 1, each greater than the one before. 0: none was ever applied, and this says nothing.
    pub version: u64,
    /// When it was applied, by the control plane's clock; later than that of every version before. Of version 0,
    /// 1970.
    pub made_at: Timestamp,
    /// What claims give, and what actors may do.
    pub document: Document,
}

/// What a version says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What claims give.
    pub mapping: Mapping,
    /// What actors may do, and what is declared of resources.
    pub policies: PolicySource,
}

impl Document {
    /// The document as it is kept and compared: one line of JSON, of which equal documents have equal ones.
    ///
    /// # Errors
    /// If it is longer than [`DOCUMENT_LIMIT`].
    pub fn to_json(&self) -> Result<String, BundleError> {
        let json = serde_json::to_string(self)
            .map_err(|error| BundleError::Malformed(error.to_string()))?;
        check_size(json.as_bytes())?;
        Ok(json)
    }

    /// Reads what [`Self::to_json`] wrote, here or in another program: at most [`DOCUMENT_LIMIT`] bytes.
    ///
    /// # Errors
    /// If it is too long, too deep, or says something that is not known.
    pub fn from_json(json: &[u8]) -> Result<Self, BundleError> {
        check_size(json)?;
        serde_json::from_slice(json).map_err(|error| BundleError::Malformed(error.to_string()))
    }

    /// Whether gates can decide by it: its policies are compiled, as they are in a gate, and looked at for what surely
    /// was not meant.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), PolicyError> {
        cedar::check(&self.policies).map(|_warnings| ())
    }

    /// Whether it neither gives nor allows nor forbids anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The digest of a document as [`Document::to_json`] writes it: SHA-256 in lower-case hexadecimal, 64 characters.
pub fn digest_of(json: &str) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, json.as_bytes()).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Why a bundle is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It is too long, or nested too deep.
    #[error("the bundle is longer than {DOCUMENT_LIMIT} bytes or nested deeper than {DEPTH_LIMIT}")]
    TooLarge,
    /// It does not have the form of a bundle.
    #[error("malformed bundle: {0}")]
    Malformed(String),
    /// It is of another issuer.
    #[error("the bundle is of another issuer")]
    WrongIssuer,
    /// It is for another client.
    #[error("the bundle is for another client")]
    WrongAudience,
    /// It answers another question.
    #[error("the bundle is not the answer to this question")]
    WrongNonce,
    /// It is whole and meant for whoever asked, and says what this program does not understand.
    #[error("bundle {version} cannot be used here: {why}")]
    Unusable {
        /// Its number.
        version: u64,
        /// When it was made.
        made_at: Timestamp,
        /// What is not understood.
        why: String,
    },
}

impl BundleError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "policy_bundle_too_large",
            Self::Malformed(_) => "policy_bundle_malformed",
            Self::WrongIssuer => "policy_bundle_issuer_wrong",
            Self::WrongAudience => "policy_bundle_audience_wrong",
            Self::WrongNonce => "policy_bundle_nonce_wrong",
            Self::Unusable { .. } => "policy_unusable",
        }
    }
}

/// A bundle's claims, as the control plane writes them.
#[derive(Debug, Serialize)]
pub struct BundleClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The client that it is for.
    pub aud: &'a str,
    /// When it was signed, in whole seconds since 1970; nothing is decided by it.
    pub iat: i64,
    /// What the question carried, if it carried something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// The form of the document: [`FORMAT`].
    pub format: u64,
    /// Its number.
    pub version: u64,
    /// When it was applied, in milliseconds since 1970.
    pub made_at: Timestamp,
    /// The document's digest ([`digest_of`]).
    pub digest: &'a str,
    /// The document, byte for byte as it is kept: JSON as a text, so that nobody writes it anew on the way.
    pub document: &'a str,
}

/// Whose bundles are taken, for whom, and as the answer to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedBundle<'a> {
    /// The control plane's issuer identifier.
    pub issuer: &'a Issuer,
    /// The client that asked.
    pub client: &'a ClientId,
    /// What the question carried.
    pub nonce: &'a str,
}

impl Bundle {
    /// Whether a bundle that was made at `made_at` counts, where the revocation feed has said that those made at or
    /// before `not_before` do not; none: it never said anything of them.
    pub fn counts(made_at: Timestamp, not_before: Option<Timestamp>) -> bool {
        not_before.is_none_or(|not_before| made_at > not_before)
    }

    /// Reads the payload of a JWS whose signature and type ([`BUNDLE_TYPE`]) have been verified. Nothing of it is
    /// believed that is not for this client, of this issuer and the answer to this question.
    ///
    /// # Errors
    /// [`BundleError::Unusable`] names the version where everything but the document is as it should be.
    pub fn read(payload: &[u8], expected: &ExpectedBundle<'_>) -> Result<Self, BundleError> {
        if payload.len() > BUNDLE_LIMIT || is_deeper_than(payload, DEPTH_LIMIT) {
            return Err(BundleError::TooLarge);
        }
        let claims: Claims = serde_json::from_slice(payload)
            .map_err(|error| BundleError::Malformed(error.to_string()))?;
        if claims.iss != expected.issuer.as_str() {
            return Err(BundleError::WrongIssuer);
        }
        if claims.aud != expected.client.as_str() {
            return Err(BundleError::WrongAudience);
        }
        if claims.nonce != expected.nonce {
            return Err(BundleError::WrongNonce);
        }
        claims
            .check()
            .map_err(|why| BundleError::Malformed(why.to_owned()))?;
        let unusable = |why: String| BundleError::Unusable {
            version: claims.version,
            made_at: claims.made_at,
            why,
        };
        if claims.format != FORMAT {
            return Err(unusable(format!(
                "its format is {}, and this program knows {FORMAT}",
                claims.format
            )));
        }
        let json = &claims.document;
        if digest_of(json) != claims.digest {
            return Err(BundleError::Malformed(
                "the digest is not that of the document".to_owned(),
            ));
        }
        let document = Document::from_json(json.as_bytes()).map_err(|e| unusable(e.to_string()))?;
        Ok(Self {
            version: claims.version,
            made_at: claims.made_at,
            document,
        })
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    nonce: String,
    format: u64,
    version: u64,
    made_at: Timestamp,
    digest: String,
    document: String,
    // A token with these could be taken for another kind of token, or the other way round (RFC 8417, 4.6).
    #[serde(default, rename = "sub")]
    _sub: Forbidden,
    #[serde(default, rename = "exp")]
    _exp: Forbidden,
}

impl Claims {
    fn check(&self) -> Result<(), &'static str> {
        match (self.version, u64::try_from(self.made_at.as_millis())) {
            (0, Ok(0)) | (1..=INTEGER_LIMIT, Ok(1..=INTEGER_LIMIT)) => Ok(()),
            _ => Err("version or made_at is out of range"),
        }
    }
}

/// A claim that must not be there, not even as `null`.
#[derive(Default)]
struct Forbidden;

impl<'de> Deserialize<'de> for Forbidden {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(
            "sub and exp have no place in a bundle",
        ))
    }
}

fn check_size(json: &[u8]) -> Result<(), BundleError> {
    if json.len() > DOCUMENT_LIMIT || is_deeper_than(json, DEPTH_LIMIT) {
        return Err(BundleError::TooLarge);
    }
    Ok(())
}

/// Whether JSON is nested deeper than `limit`, as far as it can be told without reading it as JSON.
fn is_deeper_than(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
