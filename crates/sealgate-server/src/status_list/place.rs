//! A place in a list for a token that is about to be issued.

use sealgate_model::{ClientId, GrantId, SessionId, TenantId, Timestamp, UserId};
use sealgate_oauth::OAuthError;
use sealgate_store::{Listed, ListedDetails};

use super::list::{StatusClaim, StatusPlace};
use super::uri;
use crate::ControlPlane;
use crate::oauth::refusal::unanswered;

/// What the token stands on.
pub(crate) struct Claimant {
    pub(crate) jti: String,
    pub(crate) client: ClientId,
    pub(crate) acting: Vec<ClientId>,
    pub(crate) user: Option<UserId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) grants: Vec<GrantId>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Where the status of a token for `resources` will be told; nowhere if none of them asks for that.
pub(crate) async fn take(
    plane: &ControlPlane,
    resources: &[String],
    claimant: impl FnOnce() -> Claimant,
) -> Result<Option<StatusClaim>, OAuthError> {
    let mut asked = false;
    for uri in resources {
        let resource = plane.store.resource(uri).await.map_err(unanswered)?;
        asked |= resource.is_some_and(|resource| resource.status_list);
    }
    if !asked {
        return Ok(None);
    }
    let claimant = claimant();
    let listed = Listed {
        details: ListedDetails {
            jti: claimant.jti,
            client: claimant.client,
            acting: claimant.acting,
            user: claimant.user,
            session: claimant.session,
            tenant: claimant.tenant,
            grants: claimant.grants,
        },
        issued_at: claimant.issued_at,
        expires_at: claimant.expires_at,
    };
    let seed = u64::from_be_bytes(plane.random.bytes());
    let given = plane.store.listed_add(listed, seed).await;
    let given = given.map_err(unanswered)?;
    Ok(Some(StatusClaim {
        status_list: StatusPlace {
            idx: given.idx,
            uri: uri(plane, given.list),
        },
    }))
}
