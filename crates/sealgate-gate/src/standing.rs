//! Whether what somebody came with still stands, whoever asks.

use crate::caller::{Caller, CredentialInfo, CredentialKind};
use crate::common::Common;
use crate::denial::Denial;
use crate::stale::{Change, Knowledge};

/// Why a credential is not believed any more although its time is not over: it, or something that it stands
/// on, is revoked, or what it says of its user or a client has changed since. Else how current that is.
///
/// The revocations that are known are those of the issuer where users sign in: of other issuers' tokens they
/// say nothing, also where ids are the same by chance.
pub(crate) fn check(common: &Common, credential: &CredentialInfo) -> Result<Knowledge, Denial> {
    if !credential.signs_in {
        return Ok(Knowledge::Current);
    }
    let is_token = credential.kind != CredentialKind::Session;
    let mut knowledge = Knowledge::Current;
    for ground in credential.grounds() {
        match common.view().judge(&ground, common.uptime()) {
            Ok(of_ground) => knowledge = knowledge.max(of_ground),
            Err(_) if is_token => return Err(Denial::TokenRevoked),
            Err(_) => return Err(Denial::SessionRevoked),
        }
    }
    // Looked up after the view was found to be fresh: what it is fresh by is in it then.
    match change(common, credential) {
        Change::None => Ok(knowledge),
        Change::Unknown => Ok(Knowledge::Stale),
        Change::Since if is_token => Err(Denial::TokenOutdated),
        Change::Since => Err(Denial::SessionOutdated),
    }
}

/// Whether what a credential says of its user or of any of its clients has changed since.
fn change(common: &Common, credential: &CredentialInfo) -> Change {
    let since = |subject: Option<&str>, client: &str| {
        Change::of(
            common.view().changed_at(subject, client),
            credential.told_at,
        )
    };
    let own = since(credential.subject.as_deref(), &credential.client);
    let acting = credential.acting.iter().map(|client| since(None, client));
    acting.chain([own]).max().unwrap_or(own)
}

/// Why what `caller` came with is not good any more, or nothing: for connections that last. Nobody is asked
/// about them while the view is not fresh: they end.
pub(crate) fn fallen(common: &Common, caller: &Caller) -> Option<Denial> {
    let credential = &caller.credential;
    if credential.kind == CredentialKind::Test {
        return None;
    }
    if common.now() >= credential.expires_at {
        return Some(match credential.kind {
            CredentialKind::Session => Denial::SessionExpired,
            _ => Denial::TokenExpired,
        });
    }
    match check(common, credential) {
        Ok(Knowledge::Current) => None,
        Ok(Knowledge::Late | Knowledge::Stale) => Some(Denial::FeedStale),
        Err(denial) => Some(denial),
    }
}
