//! Whether what somebody came with still stands, whoever asks.

use sealgate_revocation::Credential;

use crate::caller::{Caller, CredentialInfo, CredentialKind};
use crate::common::Common;
use crate::denial::Denial;

/// Why a credential is not believed any more although its time is not over: it, or something that it stands
/// on, is revoked, or that cannot be told right now.
///
/// The revocations that are known are those of the issuer where users sign in: of other issuers' tokens they
/// say nothing, also where ids are the same by chance.
pub(crate) fn check(common: &Common, credential: &CredentialInfo) -> Result<(), Denial> {
    if !credential.signs_in {
        return Ok(());
    }
    let (view, now) = (common.view(), common.uptime());
    let is_token = credential.kind != CredentialKind::Session;
    let named = |denial| match denial {
        Denial::SessionRevoked if is_token => Denial::TokenRevoked,
        denial => denial,
    };
    // A token that one client had for another's ends with either.
    for client in &credential.acting {
        let acting = Credential {
            tenant: None,
            grants: &[],
            session: None,
            subject: None,
            client,
            key: None,
            token: None,
            started_at: credential.started_at,
        };
        view.check_credential(&acting, now).map_err(named)?;
    }
    view.check_credential(&credential.revocable(), now)
        .map_err(named)
}

/// Why what `caller` came with is not good any more, or nothing: for connections that last.
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
    check(common, credential).err()
}
