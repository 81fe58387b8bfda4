//! The client credentials grant (OAuth 2.1, 4.2): a token for the client itself.

use sealgate_oauth::{OAuthError, Resources, Scopes};
use sealgate_store::{Audit, ClientKind};

use super::jwt_bearer::Word;
use super::refusal::unanswered;
use super::session;
use super::token::Issuing;
use super::tokens::{Issue, TokenAnswer};
use super::told;
use crate::machines::uses;
use crate::{admin_scopes, signals};

/// Issues an access token, on record before it is given out.
pub(super) async fn grant(
    issuing: &Issuing<'_>,
    asked: Option<&Scopes>,
    resources: &Resources,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    grant_on(issuing, asked, resources, None, audit).await
}

/// The same; on somebody's word where that is how the client has shown who it is.
pub(super) async fn grant_on(
    issuing: &Issuing<'_>,
    asked: Option<&Scopes>,
    resources: &Resources,
    word: Option<&Word>,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    // A client that cannot prove who it is has nothing of its own.
    if client.kind != ClientKind::Confidential {
        return Err(OAuthError::GrantNotAllowed);
    }
    let scopes = match asked {
        Some(_) => Scopes::without_user(asked, &client.scopes)?,
        // Administration is asked for by name.
        None => Scopes::without_user(None, &admin_scopes::without(&client.scopes))?,
    };
    let mut resources = resources.registered(&client.details.resources)?.into_vec();
    if resources.is_empty() {
        resources.extend(signals::meant_by(plane, client, scopes.as_slice()));
    }
    session::check_alone(plane, &resources)?;
    let issue = Issue {
        client,
        scopes: scopes.as_slice(),
        resources: &resources,
        key: issuing.key(),
        now: audit.at,
    };
    let until = word.map(|word| word.until);
    let answer = issue.sign_for_client(plane, until, audit).await?;
    if let (Some(word), Some(token)) = (word, &mut audit.object) {
        *token = format!("{token} {}", word.whose);
    }
    issuing.spend_proof()?;
    uses::record(plane, client, scopes.as_slice(), &resources, audit.clone())
        .await
        .map_err(unanswered)?;
    match told::client_changed(plane, client).await? {
        None => Ok(answer),
        // The token is on record and in nobody's hands; the next one tells what is so now.
        Some(_) => Err(OAuthError::StoreUnavailable),
    }
}
