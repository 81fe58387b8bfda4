//! The gate's seals: sessions and transactions, each bound to its cookie, this client and its issuer.

use std::sync::Arc;

use sealgate_model::{Random, Timestamp};
use sealgate_session::{Context, PurposeRing, SealError, SessionContent, TransactionContent};

use crate::cookies::CookieNames;
use crate::settings::{Settings, SettingsError};

const SESSION: &str = "session";
const TRANSACTION: &str = "transaction";

/// Seals and opens what the gate keeps in browsers.
pub(crate) struct Seals {
    sessions: PurposeRing,
    transactions: PurposeRing,
    client: String,
    issuer: String,
    random: Arc<dyn Random>,
}

impl Seals {
    pub(crate) fn new(settings: &Settings, random: Arc<dyn Random>) -> Result<Self, SettingsError> {
        let derive = |purpose| {
            settings.seal_keys.for_purpose(purpose).map_err(|error| {
                SettingsError::new("SEALGATE_SEAL_KEYS", format!("cannot be used: {error}"))
            })
        };
        Ok(Self {
            sessions: derive(SESSION)?,
            transactions: derive(TRANSACTION)?,
            client: settings.client_id.to_string(),
            issuer: settings.issuer.to_string(),
            random,
        })
    }

    /// The `Set-Cookie` value of a session; the cookie lives as long as the session can.
    pub(crate) fn session_cookie(
        &self,
        names: &CookieNames,
        session: &SessionContent,
        now: Timestamp,
    ) -> Result<String, SealError> {
        let context = self.context(SESSION, names.session());
        let sealed = self
            .sessions
            .seal(&context, self.random.as_ref(), &session.encode()?)?;
        Ok(names.write(names.session(), &sealed, session.expires_at().since(now)))
    }

    pub(crate) fn open_session(
        &self,
        names: &CookieNames,
        sealed: &[u8],
    ) -> Result<SessionContent, SealError> {
        let sealed = str::from_utf8(sealed).map_err(|_| SealError::Malformed)?;
        let opened = self
            .sessions
            .open(&self.context(SESSION, names.session()), sealed)?;
        SessionContent::decode(&opened.plain)
    }

    pub(crate) fn seal_transaction(
        &self,
        cookie: &str,
        transaction: &TransactionContent,
    ) -> Result<String, SealError> {
        let context = self.context(TRANSACTION, cookie);
        self.transactions
            .seal(&context, self.random.as_ref(), &transaction.encode()?)
    }

    pub(crate) fn open_transaction(
        &self,
        cookie: &str,
        sealed: &str,
    ) -> Result<TransactionContent, SealError> {
        let opened = self
            .transactions
            .open(&self.context(TRANSACTION, cookie), sealed)?;
        TransactionContent::decode(&opened.plain)
    }

    fn context<'a>(&'a self, purpose: &'a str, cookie: &'a str) -> Context<'a> {
        Context {
            purpose,
            cookie,
            client: &self.client,
            issuer: &self.issuer,
        }
    }
}
