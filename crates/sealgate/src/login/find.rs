//! From the URL that a person gives to the authorization server.

use sealgate_agent::discovery::find_server;
use sealgate_agent::{
    AgentError, Demand, Discovered, Http as _, HttpRequest, Reach, ServerMetadata, WebUrl, discover,
};

use super::{Hands, told, web_url};
use crate::failure::Failure;

/// What the URL leads to.
pub(super) struct Found {
    pub(super) discovered: Discovered,
    /// The scopes that the resource asks for.
    pub(super) demanded: Option<Vec<String>>,
}

/// The server whose issuer `text` is, with or without a slash at its end: both are in use, and people write either.
async fn server_of(
    hands: &Hands,
    text: &str,
    reach: Reach,
) -> Result<Option<(WebUrl, ServerMetadata)>, AgentError> {
    // An issuer has no query.
    if text.contains('?') {
        return Ok(None);
    }
    let bare = text.trim_end_matches('/');
    match find_server(&hands.http, bare, reach).await {
        Err(AgentError::IssuerMismatch(_)) => {
            find_server(&hands.http, &format!("{bare}/"), reach).await
        }
        found => found,
    }
}

/// Takes `text` for an issuer if there is a server's metadata of that very issuer, and for a resource
/// otherwise.
pub(super) async fn find(hands: &Hands, text: &str) -> Result<Found, Failure> {
    let url = web_url(text)?;
    let reach = hands.http.reach(&url).await.map_err(told::agent)?;
    match server_of(hands, text, reach).await {
        Ok(Some((at, server))) => {
            let discovered = Discovered {
                resource: None,
                resource_at: None,
                server,
                server_at: Some(at),
                reach,
            };
            return Ok(Found {
                discovered,
                demanded: None,
            });
        }
        // There is a server, and it is another one: that of the resource, or of its neighbour.
        Ok(None) | Err(AgentError::IssuerMismatch(_) | AgentError::MetadataUnacceptable(_)) => {}
        Err(error) => return Err(told::agent(error)),
    }
    let answer = hands
        .http
        .send(HttpRequest::get(url.clone(), reach))
        .await
        .map_err(told::agent)?;
    let challenges = answer.challenges.iter().map(Vec::as_slice);
    let demand = match answer.status {
        401 => Demand::read(challenges, None),
        _ => Demand::default(),
    };
    let discovered = discover(&hands.http, &url, &demand, &[])
        .await
        .map_err(told::agent)?;
    // A resource without metadata leads to its origin by a guess of old. Here a person waits who can say more.
    if discovered.resource.is_none() && discovered.server_at.is_none() {
        let said = format!("{text} is neither a protected resource nor an issuer");
        return Err(Failure::refused("login_unknown", said)
            .with_hint("check the URL: give the resource's own, or the issuer's"));
    }
    Ok(Found {
        discovered,
        demanded: demand.scopes,
    })
}
