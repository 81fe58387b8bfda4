//! Tokens against the keys of their issuer: at once, after asking, or as often as the issuer itself is asked.

use std::sync::Arc;
use std::time::Duration;

use sealgate_jose::{Expect, JoseError, Verified, claimed_key};

use super::{KeySource, LookUp, PAUSE};
use crate::provider::ProviderError;

/// Why a token is not verified with the keys at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// It is not one of the issuer's: 401.
    Refused(JoseError),
    /// The issuer has to be asked for this key first: hand it to [`KeySource::settle`] and verify again.
    Ask(Option<String>),
    /// As [`LookUp::Unavailable`]: 503.
    Unavailable(Duration),
}

impl KeySource {
    /// Verifies a token with the keys at hand. It does not wait.
    pub(crate) fn verify_now(
        self: &Arc<Self>,
        token: &str,
        expect: &Expect<'_>,
    ) -> Result<Verified, Unverified> {
        if let Some(keys) = self.trust.verifying(self.now()) {
            match keys.verify_as(token, expect) {
                Err(JoseError::UnknownKey) => {}
                verified => {
                    let verified = verified.and_then(|verified| self.unrevoked(verified));
                    return verified.map_err(Unverified::Refused);
                }
            }
        }
        let kid = claimed_key(token).map_err(Unverified::Refused)?;
        if kid.is_none() && !expect.kid_optional {
            return Err(Unverified::Refused(JoseError::UnknownKey));
        }
        match self.look_up(kid.as_deref()) {
            // They came in between, or the one key that a token without `kid` may mean is not there.
            LookUp::Known(keys) => {
                let verified = keys.verify_as(token, expect);
                let verified = verified.and_then(|verified| self.unrevoked(verified));
                verified.map_err(Unverified::Refused)
            }
            LookUp::Refused => Err(Unverified::Refused(JoseError::UnknownKey)),
            LookUp::Ask => Err(Unverified::Ask(kid)),
            LookUp::Unavailable { retry_after } => Err(Unverified::Unavailable(retry_after)),
        }
    }

    /// Verifies a token that nobody asked for, asking for its key if that may help.
    pub(crate) async fn verify(
        self: &Arc<Self>,
        token: &str,
        expect: &Expect<'_>,
    ) -> Result<Verified, Unverified> {
        match self.verify_now(token, expect) {
            Err(Unverified::Ask(kid)) => {
                if let LookUp::Unavailable { retry_after } = self.settle(kid.as_deref()).await {
                    return Err(Unverified::Unavailable(retry_after));
                }
                match self.verify_now(token, expect) {
                    Err(Unverified::Ask(_)) => Err(Unverified::Unavailable(PAUSE)),
                    verified => verified,
                }
            }
            verified => verified,
        }
    }

    /// Verifies a token that the issuer itself handed over. A key that is not known is one that was not
    /// asked for yet, however lately others were.
    pub(crate) async fn verify_own(
        self: &Arc<Self>,
        token: &str,
        expect: &Expect<'_>,
    ) -> Result<Verified, ProviderError> {
        let verify = || match self.trust.verifying(self.now()) {
            Some(keys) => keys.verify_as(token, expect),
            None => Err(JoseError::UnknownKey),
        };
        match verify() {
            Err(JoseError::UnknownKey) => {
                self.renew().await?;
                Ok(self.unrevoked(verify()?)?)
            }
            verified => Ok(self.unrevoked(verified?)?),
        }
    }
}
