//! The real client.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE,
};
use sealgate_host::AddressPolicy;
use sealgate_model::Secret;

use super::{ANSWER_LIMIT, Boxed, Deed, Http, HttpRequest, HttpResponse, Reach};
use crate::error::told;
use crate::{AgentError, WebUrl};

/// How long a request may take, answer and all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The client for requests to servers that somebody else named: TLS by rustls, no redirects, no proxy from the
/// environment, no cookies, limits on time and size, and addresses judged where they are connected to, so that a
/// name cannot change what it means in between.
#[derive(Debug, Clone)]
pub struct AgentHttp {
    public: reqwest::Client,
    private: reqwest::Client,
}

impl AgentHttp {
    /// A client that trusts the system's certificate authorities and, if given, those in a PEM file.
    pub fn new(extra_authority: Option<&[u8]>) -> Result<Self, AgentError> {
        Ok(Self {
            public: client(Reach::Public, extra_authority)?,
            private: client(Reach::Private, extra_authority)?,
        })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, AgentError> {
        if request.url.is_plain() && request.reach != Reach::Machine {
            let why = "plain http is for a resource on this machine";
            return Err(AgentError::AddressRefused(why.to_owned()));
        }
        if let Some(address) = request.url.literal() {
            admit(address, request.reach)
                .map_err(|why| AgentError::AddressRefused(why.to_owned()))?;
        }
        let client = match request.reach {
            Reach::Public => &self.public,
            Reach::Private | Reach::Machine => &self.private,
        };
        let mut response = build(client, request)?
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let headers = response.headers();
        let mut answer = HttpResponse {
            status: response.status().as_u16(),
            is_json: is_json(headers),
            body: Vec::new(),
            challenges: headers
                .get_all(WWW_AUTHENTICATE)
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect(),
            dpop_nonce: only(headers, "dpop-nonce"),
            location: headers
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .map(told),
        };
        while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
            if piece.len() > ANSWER_LIMIT - answer.body.len() {
                return Err(AgentError::MetadataUnacceptable(
                    "the answer is longer than 128 KiB",
                ));
            }
            answer.body.extend_from_slice(&piece);
        }
        Ok(answer)
    }
}

impl Http for AgentHttp {
    fn send(&self, request: HttpRequest) -> Boxed<'_, Result<HttpResponse, AgentError>> {
        Box::pin(self.exchange(request))
    }

    fn reach<'a>(&'a self, url: &'a WebUrl) -> Boxed<'a, Result<Reach, AgentError>> {
        Box::pin(async move {
            if url.is_plain() {
                return Ok(Reach::Machine);
            }
            if let Some(address) = url.literal() {
                return Ok(reach_of(&[address]));
            }
            let found = tokio::net::lookup_host((url.host(), url.port()))
                .await
                .map_err(|_| AgentError::Unreachable("the host has no address".to_owned()))?;
            let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            Ok(reach_of(&addresses))
        })
    }
}

/// As far as the farthest of the addresses is away: one that is public makes it a public resource.
fn reach_of(addresses: &[IpAddr]) -> Reach {
    let policy = AddressPolicy::public();
    if addresses
        .iter()
        .any(|address| policy.check(*address).is_ok())
    {
        Reach::Public
    } else {
        Reach::Private
    }
}

/// Whether a request that reaches so far may go to `address`; if not, what it is.
fn admit(address: IpAddr, reach: Reach) -> Result<(), &'static str> {
    match reach {
        Reach::Public => AddressPolicy::public().check(address),
        // There is the cloud's metadata service, which gives out credentials to whoever asks.
        Reach::Private | Reach::Machine if is_link_local(address) => Err("link-local"),
        Reach::Private | Reach::Machine => Ok(()),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn client(reach: Reach, extra_authority: Option<&[u8]>) -> Result<reqwest::Client, AgentError> {
    let unusable = |why: String| AgentError::KeyUnusable(format!("certificate authority: {why}"));
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Judging(reach))
        .connect_timeout(Duration::from_secs(5))
        .timeout(PATIENCE)
        .user_agent(concat!("sealgate/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = extra_authority {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
        if certificates.is_empty() {
            return Err(unusable("holds no certificate in PEM".to_owned()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| unusable(error.to_string()))
}

fn build(
    client: &reqwest::Client,
    request: HttpRequest,
) -> Result<reqwest::RequestBuilder, AgentError> {
    let url = request.url.as_str();
    let mut builder = match request.deed {
        Deed::Get => client.get(url),
        Deed::Form(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (*name, value.expose()))
                .collect();
            client.post(url).form(&fields)
        }
        Deed::Json(document) => client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(document.expose().to_owned()),
    };
    builder = builder.header(ACCEPT, request.accept);
    if let Some(value) = request.authorization {
        builder = builder.header(AUTHORIZATION, sensitive(&value)?);
    }
    if let Some(proof) = request.dpop {
        builder = builder.header("dpop", sensitive(&proof)?);
    }
    Ok(builder)
}

fn sensitive(value: &Secret) -> Result<HeaderValue, AgentError> {
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| AgentError::TokenUnacceptable("it cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn only(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.as_bytes().to_vec();
    values.next().is_none().then_some(value)
}

/// The innermost cause alone: outer layers repeat the URL, which may carry what logs must not.
fn failed(error: &reqwest::Error) -> AgentError {
    if error.is_timeout() {
        return AgentError::Unreachable("timed out".to_owned());
    }
    let mut cause: &dyn std::error::Error = error;
    loop {
        if let Some(refused) = cause.downcast_ref::<io::Error>().and_then(refusal) {
            return AgentError::AddressRefused(refused);
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => return AgentError::Unreachable(told(&cause.to_string())),
        }
    }
}

/// Asks the system's resolver and judges every address.
struct Judging(Reach);

/// What [`Judging`] says of a host that it refuses; it travels inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

fn refusal(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<Refused>()?;
    Some(inner.0.clone())
}

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                if let Err(why) = admit(address.ip(), reach) {
                    return Err(io::Error::other(Refused(why.to_owned())).into());
                }
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_resource_sends_nobody_into_a_private_network() {
        let of = |address: &str| reach_of(&[address.parse().unwrap()]);
        assert_eq!(of("93.184.216.34"), Reach::Public);
        assert_eq!(of("10.1.2.3"), Reach::Private);
        assert_eq!(of("127.0.0.1"), Reach::Private);
        let mixed = ["10.1.2.3", "93.184.216.34"].map(|address| address.parse().unwrap());
        assert_eq!(reach_of(&mixed), Reach::Public);
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(
                admit(address.parse().unwrap(), Reach::Public).is_err(),
                "{address}"
            );
        }
        assert_eq!(admit("10.0.0.1".parse().unwrap(), Reach::Private), Ok(()));
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1"] {
            assert!(
                admit(address.parse().unwrap(), Reach::Private).is_err(),
                "{address}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_special_address_is_refused_where_it_is_connected_to() {
        let http = AgentHttp::new(None).unwrap();
        for (url, reach) in [
            ("https://localhost:9/", Reach::Public),
            ("https://127.0.0.1:9/", Reach::Public),
            ("http://localhost:9/", Reach::Public),
            ("http://localhost:9/", Reach::Private),
            ("http://127.0.0.1:9/", Reach::Private),
            ("https://169.254.169.254/", Reach::Machine),
        ] {
            let request = HttpRequest::get(WebUrl::parse(url).unwrap(), reach);
            let refused = http.send(request).await;
            assert!(
                matches!(refused, Err(AgentError::AddressRefused(_))),
                "{url} {refused:?}"
            );
        }
        // Nobody listens there, but it may be asked.
        let url = WebUrl::parse("http://127.0.0.1:9/").unwrap();
        assert_eq!(http.reach(&url).await, Ok(Reach::Machine));
        let asked = http.send(HttpRequest::get(url, Reach::Machine)).await;
        assert!(
            matches!(asked, Err(AgentError::Unreachable(_))),
            "{asked:?}"
        );
        let url = WebUrl::parse("https://localhost/").unwrap();
        assert_eq!(http.reach(&url).await, Ok(Reach::Private));
    }
}
