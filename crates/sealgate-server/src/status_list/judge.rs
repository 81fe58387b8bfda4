//! What the bits of a list say: the tokens in it, held against the revocation log.

use std::collections::HashMap;

use sealgate_model::{ClientId, TenantId, Timestamp};
use sealgate_revocation::{Credential, Entry, Subject, View};
use sealgate_store::{Listed, ListedPlace, Revocation, Revoked};

use super::list::StatusList;
use crate::ControlPlane;
use crate::feed::entry;
use crate::problem::Problem;

/// List `number` as it stands at `now`; none if there is no such list.
pub(super) async fn judge(
    plane: &ControlPlane,
    number: u64,
    now: Timestamp,
) -> Result<Option<StatusList>, Problem> {
    // The tokens before the log: one that is issued between the two is not in the list yet, and one that is
    // revoked then is seen to be.
    let Some(tokens) = plane.store.listed(number, now).await? else {
        return Ok(None);
    };
    let (_, log) = plane.store.revocations_live(now).await?;
    let known = Known::of(&log);
    let mut list = StatusList::new(ListedPlace::SIZE);
    for (idx, token) in tokens {
        if known.revokes(&token) {
            list.revoke(idx);
        }
    }
    Ok(Some(list))
}

/// What is revoked. What ended for a user on one client says nothing of the user's on another; everything
/// else means the same whoever hears of it.
struct Known {
    everywhere: View,
    on: HashMap<ClientId, View>,
}

impl Known {
    fn of(log: &[Revocation]) -> Self {
        let mut known = Self {
            everywhere: View::new(),
            on: HashMap::new(),
        };
        for row in log {
            match (&row.what, &row.client) {
                (Revoked::User(_), Some(client)) => {
                    known
                        .on
                        .entry(client.clone())
                        .or_default()
                        .insert(&entry(row));
                }
                // Which key signed a token is not written down: what was issued before one was revoked
                // falls with it, as it does wherever that key is gone from the key set.
                (Revoked::Key(_), _) => known.everywhere.insert(&Entry {
                    subject: Subject::All { not_before: row.at },
                    ..entry(row)
                }),
                _ => known.everywhere.insert(&entry(row)),
            }
        }
        known
    }

    fn revokes(&self, token: &Listed) -> bool {
        let details = &token.details;
        let subject = details.user.map(|user| user.to_string());
        let credential = Credential {
            session: details.session,
            subject: subject.as_deref(),
            client: details.client.as_str(),
            key: None,
            tenant: details.tenant.as_ref().map(TenantId::as_str),
            grants: &details.grants,
            token: Some(&details.jti),
            started_at: token.issued_at,
        };
        let ends = |view: &View| {
            view.check(&credential).is_some()
                || view.is_outdated(subject.as_deref(), details.client.as_str(), token.issued_at)
        };
        let acting = |client: &ClientId| {
            let acting = Credential {
                session: None,
                subject: None,
                client: client.as_str(),
                tenant: None,
                grants: &[],
                token: None,
                ..credential
            };
            self.everywhere.check(&acting).is_some()
        };
        ends(&self.everywhere)
            || self.on.get(&details.client).is_some_and(ends)
            || details.acting.iter().any(acting)
    }
}
