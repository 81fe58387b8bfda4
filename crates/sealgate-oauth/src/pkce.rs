//! Proof key for code exchange (RFC 7636), S256 only.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::Secret;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::OAuthError;

/// An S256 code challenge: 43 base64url characters, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads `code_challenge` and `code_challenge_method`. An absent method means `plain`
    /// (RFC 7636, 4.3), which is refused like a spelled-out one.
    pub fn from_request(challenge: Option<&str>, method: Option<&str>) -> Result<Self, OAuthError> {
        let challenge = challenge.ok_or(OAuthError::PkceMissing)?;
        if method != Some("S256") {
            return Err(OAuthError::PkceMethodUnsupported);
        }
        Self::parse(challenge)
    }

    /// Reads a challenge: the base64url of 32 bytes, without padding, in its one spelling.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(OAuthError::PkceChallengeMalformed),
        }
    }

    /// The challenge as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Fails unless `verifier` belongs to this challenge. Takes the same time wherever they differ.
    pub fn check(&self, verifier: &CodeVerifier) -> Result<(), OAuthError> {
        let expected = verifier.challenge();
        if self.0.as_bytes().ct_eq(expected.0.as_bytes()).into() {
            Ok(())
        } else {
            Err(OAuthError::VerifierMismatch)
        }
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = OAuthError;
    fn try_from(text: String) -> Result<Self, OAuthError> {
        Self::parse(&text)
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.0
    }
}

/// A code verifier: 43 to 128 unreserved characters (RFC 7636, 4.1).
#[derive(Debug, Clone)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// Reads a verifier.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let unreserved =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(OAuthError::VerifierMalformed)
        }
    }

    /// The S256 challenge of this verifier (RFC 7636, 4.2).
    pub fn challenge(&self) -> CodeChallenge {
        let hash = digest::digest(&digest::SHA256, self.0.expose().as_bytes());
        CodeChallenge(URL_SAFE_NO_PAD.encode(hash))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_verifies() {
        let challenge = CodeChallenge::from_request(Some(CHALLENGE), Some("S256")).unwrap();
        assert_eq!(
            challenge.check(&CodeVerifier::parse(VERIFIER).unwrap()),
            Ok(())
        );
    }

    #[test]
    fn another_verifier_does_not() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        let other = CodeVerifier::parse(&VERIFIER.replace('d', "e")).unwrap();
        assert_eq!(challenge.check(&other), Err(OAuthError::VerifierMismatch));
        // `plain` would accept the challenge itself as verifier.
        let plain = CodeVerifier::parse(CHALLENGE).unwrap();
        assert_eq!(challenge.check(&plain), Err(OAuthError::VerifierMismatch));
    }

    #[test]
    fn a_challenge_without_s256_is_refused() {
        let read = CodeChallenge::from_request;
        assert_eq!(read(None, Some("S256")), Err(OAuthError::PkceMissing));
        assert_eq!(
            read(Some(CHALLENGE), None),
            Err(OAuthError::PkceMethodUnsupported)
        );
        assert_eq!(
            read(Some(CHALLENGE), Some("plain")),
            Err(OAuthError::PkceMethodUnsupported)
        );
        assert_eq!(
            read(Some(CHALLENGE), Some("s256")),
            Err(OAuthError::PkceMethodUnsupported)
        );
    }

    #[test]
    fn a_malformed_challenge_is_refused() {
        // The last one has bits set that 32 bytes do not fill: a second spelling.
        for wrong in [
            "",
            "short",
            &CHALLENGE[1..],
            &format!("{CHALLENGE}="),
            &CHALLENGE.replace("cM", "cN"),
        ] {
            assert_eq!(
                CodeChallenge::parse(wrong),
                Err(OAuthError::PkceChallengeMalformed),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        for length in [43, 128] {
            assert!(CodeVerifier::parse(&"~".repeat(length)).is_ok());
        }
        for wrong in [
            "a".repeat(42),
            "a".repeat(129),
            "+".repeat(43),
            "é".repeat(30),
        ] {
            assert_eq!(
                CodeVerifier::parse(&wrong).unwrap_err(),
                OAuthError::VerifierMalformed,
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_value_or_an_error(text in "\\PC{0,200}") {
            let _ = CodeChallenge::parse(&text);
            let _ = CodeVerifier::parse(&text);
        }

        #[test]
        fn every_verifier_passes_its_own_challenge_and_survives_text(text in "[A-Za-z0-9._~-]{43,128}") {
            let verifier = CodeVerifier::parse(&text).unwrap();
            let challenge = CodeChallenge::parse(verifier.challenge().as_str()).unwrap();
            prop_assert_eq!(challenge.check(&verifier), Ok(()));
        }
    }
}
