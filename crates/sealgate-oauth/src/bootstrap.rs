//! Bootstrap credentials: good once, for a service account to register a key that it holds.
//!
//! The credential says for which service account, the proof that goes with it which key. The proof is bound to
//! the credential, so that neither is of use with another one of its kind.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{Issuer, Secret, Timestamp};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::handle::BootstrapHandle;
use crate::{NumericDate, OAuthError};

/// How far the clocks of a machine and of the issuer may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// How old a proof may be. It is made for one request.
const AGE: Duration = Duration::from_secs(5 * 60);

/// The text of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootstrapCredential;

impl BootstrapCredential {
    /// What every credential begins with, so that whoever finds one knows what it is.
    pub const PREFIX: &'static str = "sealgate_bootstrap_";

    /// The type of the proof that goes with it.
    pub const PROOF_TYPE: &'static str = "sealgate-bootstrap+jwt";

    /// The handle in a credential's text; nothing if it is none.
    pub fn parse(text: &str) -> Option<BootstrapHandle> {
        text.strip_prefix(Self::PREFIX)
            .and_then(BootstrapHandle::parse)
    }

    /// The text of a credential, to be given away once.
    pub fn write(handle: &BootstrapHandle) -> Secret {
        let secret = handle.to_secret();
        Secret::new(format!("{}{}", Self::PREFIX, secret.expose()))
    }

    /// What `ath` of a proof must be for this credential: its SHA-256, base64url.
    pub fn hash(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }
}

/// The claims of a proof, with exactly their types. Claims that are not named here are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BootstrapClaims {
    /// The issuer, as a string.
    pub aud: String,
    /// When it was made.
    pub iat: NumericDate,
    /// Its id, 1 to 256 bytes.
    pub jti: String,
    /// The hash of the credential that it goes with.
    pub ath: String,
}

impl BootstrapClaims {
    /// Checks the claims of a proof whose signature has been verified with the key that it brings, against the
    /// credential that it came with.
    ///
    /// That it is used once needs no memory of its own: the credential is.
    pub fn check(
        &self,
        issuer: &Issuer,
        credential: &str,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        if !(1..=256).contains(&self.jti.len()) {
            return Err(OAuthError::BootstrapProofMalformed);
        }
        let own = BootstrapCredential::hash(credential);
        let bound = bool::from(self.ath.as_bytes().ct_eq(own.as_bytes()));
        if self.aud != issuer.as_str() || !bound {
            return Err(OAuthError::BootstrapProofMisdirected);
        }
        let made = self.iat.0;
        if made > now + LEEWAY || made + AGE + LEEWAY <= now {
            return Err(OAuthError::BootstrapProofExpired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_model::BootstrapId;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn claims(ath: String) -> BootstrapClaims {
        BootstrapClaims {
            aud: "https://id.example".to_owned(),
            iat: NumericDate(NOW),
            jti: "1".to_owned(),
            ath,
        }
    }

    #[test]
    fn a_proof_is_for_one_credential_one_issuer_and_now() {
        let issuer: Issuer = "https://id.example".parse().unwrap();
        let credential = "sealgate_bootstrap_a";
        let good = claims(BootstrapCredential::hash(credential));
        let check = |claims: &BootstrapClaims| claims.check(&issuer, credential, NOW);
        assert_eq!(check(&good), Ok(()));
        let at = |iat| BootstrapClaims {
            iat: NumericDate(iat),
            ..good.clone()
        };
        let second = Duration::from_secs(1);
        assert_eq!(check(&at(NOW + LEEWAY)), Ok(()));
        assert_eq!(check(&at(NOW - AGE - LEEWAY + second)), Ok(()));
        for wrong in [NOW + LEEWAY + second, NOW - AGE - LEEWAY] {
            assert_eq!(check(&at(wrong)), Err(OAuthError::BootstrapProofExpired));
        }
        let misdirected = Err(OAuthError::BootstrapProofMisdirected);
        let elsewhere = BootstrapClaims {
            aud: "https://other.example".to_owned(),
            ..good.clone()
        };
        assert_eq!(check(&elsewhere), misdirected);
        assert_eq!(check(&claims(String::new())), misdirected);
        let other = BootstrapCredential::hash("sealgate_bootstrap_b");
        assert_eq!(check(&claims(other)), misdirected);
        for jti in [String::new(), "a".repeat(257)] {
            let wrong = BootstrapClaims {
                jti,
                ..good.clone()
            };
            assert_eq!(check(&wrong), Err(OAuthError::BootstrapProofMalformed));
        }
    }

    #[test]
    fn claims_of_other_types_are_refused() {
        let read = |text: &str| serde_json::from_str::<BootstrapClaims>(text).is_ok();
        assert!(read(r#"{"aud":"a","iat":1,"jti":"b","ath":"c","more":[]}"#));
        for wrong in [
            r#"{"aud":["a"],"iat":1,"jti":"b","ath":"c"}"#,
            r#"{"aud":"a","iat":"1","jti":"b","ath":"c"}"#,
            r#"{"aud":"a","iat":1,"jti":"b"}"#,
            r#"{"aud":"a","iat":1,"jti":"b","ath":"c","ath":"c"}"#,
        ] {
            assert!(!read(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_credential_survives_text_and_has_one_spelling(
            id in any::<[u8; 16]>(),
            text in "(sealgate_bootstrap_)?[A-Za-z0-9_-]{60,68}",
        ) {
            let handle = BootstrapHandle::generate(
                BootstrapId::from_bytes(id),
                &sealgate_host::FakeRandom::default(),
            );
            let written = BootstrapCredential::write(&handle);
            let read = BootstrapCredential::parse(written.expose()).unwrap();
            prop_assert_eq!(read.id, handle.id);
            prop_assert_eq!(read.secret_hash(), handle.secret_hash());
            prop_assert!(BootstrapHandle::parse(written.expose()).is_none());
            if let Some(handle) = BootstrapCredential::parse(&text) {
                let again = BootstrapCredential::write(&handle);
                prop_assert_eq!(again.expose(), text.as_str());
            }
        }
    }
}
