//! From a resource's URL to the authorization server that gives out tokens for it.
//!
//! The order of places is that of the Model Context Protocol's authorization specification (2026-07-28), which is
//! that of RFC 9728, 3 and RFC 8414, 3 and 5. A place that has nothing sends on to the next; a document that is
//! there and wrong ends the search, since the next one would be somebody's way around it.

use crate::http::{Http, HttpRequest, HttpResponse, Reach};
use crate::metadata::{ResourceMetadata, ServerMetadata};
use crate::{AgentError, Demand, WebUrl};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// What is known of a resource and of its authorization server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The resource as its metadata name it; none for a resource without metadata (2025-03-26), which no token
    /// request names.
    pub resource: Option<ResourceMetadata>,
    /// Where the resource's metadata were.
    pub resource_at: Option<WebUrl>,
    /// The authorization server.
    pub server: ServerMetadata,
    /// Where its metadata were; none for one without (2025-03-26).
    pub server_at: Option<WebUrl>,
    /// How far the resource may send the agent.
    pub reach: Reach,
}

impl Discovered {
    /// What is sent as `resource` (RFC 8707, 2).
    pub fn resource_id(&self) -> Option<&str> {
        Some(&self.resource.as_ref()?.resource)
    }

    /// What tokens may be sent to: what the resource's metadata name, or else the URL itself.
    pub fn place(&self, url: &WebUrl) -> WebUrl {
        let named = self.resource_id().and_then(|id| WebUrl::parse(id).ok());
        named.unwrap_or_else(|| url.clone())
    }
}

/// Finds the authorization server of the resource at `url`, beginning with what it said itself. `known` are issuers
/// that the client has credentials of: one of them goes before others that the resource names.
pub async fn discover(
    http: &dyn Http,
    url: &WebUrl,
    demand: &Demand,
    known: &[String],
) -> Result<Discovered, AgentError> {
    let reach = http.reach(url).await?;
    let Some((at, resource)) = find_resource(http, url, demand, reach).await? else {
        return without_metadata(http, url, reach).await;
    };
    let issuers = &resource.authorization_servers;
    let issuer = issuers
        .iter()
        .find(|issuer| known.contains(issuer))
        .or_else(|| issuers.first())
        .ok_or(AgentError::MetadataUnacceptable(
            "it names no authorization server",
        ))?;
    let found = find_server(http, issuer, reach).await?;
    let (server_at, server) = found.ok_or(AgentError::MetadataUnacceptable(
        "the authorization server has none",
    ))?;
    Ok(Discovered {
        resource: Some(resource),
        resource_at: Some(at),
        server,
        server_at: Some(server_at),
        reach,
    })
}

/// The places where the metadata of the resource at `url` may be, in order (RFC 9728, 3.1): where it says itself,
/// below the well-known path, at the well-known path.
pub fn resource_places(url: &WebUrl, told: Option<&WebUrl>) -> Result<Vec<WebUrl>, AgentError> {
    if let Some(told) = told {
        return Ok(vec![told.clone()]);
    }
    let root = url.at(RESOURCE)?;
    let path = url.path().trim_end_matches('/');
    if path.is_empty() {
        return Ok(vec![root]);
    }
    Ok(vec![url.at(&format!("{RESOURCE}{path}"))?, root])
}

/// The places where the metadata of `issuer` may be, in order (RFC 8414, 3.1 and 5; `OpenID` Connect Discovery 1.0,
/// 4): inserted before the issuer's path under both names, and appended to it.
pub fn server_places(issuer: &str) -> Result<Vec<WebUrl>, AgentError> {
    let url = WebUrl::parse(issuer)?;
    if url.query().is_some() {
        return Err(AgentError::UrlUnacceptable("of an issuer has a query"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.is_empty() {
        return Ok(vec![url.at(SERVER)?, url.at(OPENID)?]);
    }
    Ok(vec![
        url.at(&format!("{SERVER}{path}"))?,
        url.at(&format!("{OPENID}{path}"))?,
        url.at(&format!("{path}{OPENID}"))?,
    ])
}

/// Whether metadata found at `at` may speak for the resource at `url` (RFC 9728, 3.3): it must name that URL, give or
/// take a slash at the end. It may also name a parent of it at the same origin, but only where the metadata of that
/// parent belong: else whoever serves one path of a host could have tokens sent to it that are good for all of it.
pub fn check_resource(
    url: &WebUrl,
    at: &WebUrl,
    metadata: &ResourceMetadata,
) -> Result<(), AgentError> {
    let mismatch = || Err(AgentError::ResourceMismatch(metadata.resource.clone()));
    let Ok(named) = WebUrl::parse(&metadata.resource) else {
        return mismatch();
    };
    if named.is_almost(url) || named.as_str() == url.without_query() {
        return Ok(());
    }
    let own = resource_places(&named, None)?;
    let is_own = own.first().is_some_and(|own| own == at);
    if named.contains(url) && is_own {
        return Ok(());
    }
    mismatch()
}

/// The resource's metadata, and where they were; none if there are none.
pub async fn find_resource(
    http: &dyn Http,
    url: &WebUrl,
    demand: &Demand,
    reach: Reach,
) -> Result<Option<(WebUrl, ResourceMetadata)>, AgentError> {
    for place in resource_places(url, demand.metadata.as_ref())? {
        let answer = http.send(HttpRequest::get(place.clone(), reach)).await?;
        let Some(body) = document(&answer)? else {
            continue;
        };
        let metadata = ResourceMetadata::parse(body)?;
        check_resource(url, &place, &metadata)?;
        tracing::debug!(resource = metadata.resource, "the resource's metadata");
        return Ok(Some((place, metadata)));
    }
    // What a resource says of itself has to be there.
    if demand.metadata.is_some() {
        return Err(AgentError::MetadataUnacceptable(
            "nothing is where the resource says",
        ));
    }
    Ok(None)
}

/// The metadata of `issuer`, and where they were; none if there are none.
pub async fn find_server(
    http: &dyn Http,
    issuer: &str,
    reach: Reach,
) -> Result<Option<(WebUrl, ServerMetadata)>, AgentError> {
    for place in server_places(issuer)? {
        let answer = http.send(HttpRequest::get(place.clone(), reach)).await?;
        if let Some(body) = document(&answer)? {
            let metadata = ServerMetadata::parse(body, issuer)?;
            return Ok(Some((place, metadata)));
        }
    }
    Ok(None)
}

/// A resource of the time before RFC 9728: its own origin is its authorization server (2025-03-26).
async fn without_metadata(
    http: &dyn Http,
    url: &WebUrl,
    reach: Reach,
) -> Result<Discovered, AgentError> {
    let found = find_server(http, &url.origin(), reach).await?;
    let (server_at, server) = match found {
        Some((at, server)) => (Some(at), server),
        None => (None, ServerMetadata::by_default(url)?),
    };
    Ok(Discovered {
        resource: None,
        resource_at: None,
        server,
        server_at,
        reach,
    })
}

/// The document in an answer; none where there is none. A server that cannot answer now is not one without.
fn document(answer: &HttpResponse) -> Result<Option<&[u8]>, AgentError> {
    match answer.status {
        200 if answer.is_json => Ok(Some(&answer.body)),
        429 | 500.. => Err(AgentError::Unavailable(format!("status {}", answer.status))),
        // A page for people, a redirect, a refusal: not here.
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
