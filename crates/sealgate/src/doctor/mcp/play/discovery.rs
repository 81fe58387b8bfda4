//! From the URL to the authorization server's metadata.

use sealgate_host::AddressPolicy;
use serde_json::Value;
use url::Url;

use super::super::facts::{INSPECTOR, Page, at, resource_places};
use super::super::rules::{Form, Instead, Match, Pkce, Reading};
use super::{Failing, Play, fails};

/// What stands at the server's door.
pub(super) enum Door {
    /// Nothing: it wants no token.
    Open,
    /// A challenge, and where it says that the metadata are.
    Closed(Option<String>),
}

/// What the client knows of the authorization server.
pub(super) struct Known {
    pub(super) metadata: Value,
    pub(super) at: String,
}

impl Play<'_> {
    /// The first message, and where its answer says that the metadata are.
    pub(super) fn challenge(&mut self) -> Result<Door, Failing> {
        const STEP: &str = "first message";
        let facts = self.facts;
        let page = match &facts.asked {
            Ok(page) => page,
            Err(error) => {
                return fails(STEP, None, format!("nothing answers: {error}"), "serve it");
            }
        };
        if (200..300).contains(&page.status) {
            self.did(STEP, "the server wants no token");
            return Ok(Door::Open);
        }
        if page.status != 401 {
            return fails(
                STEP,
                None,
                format!("the server answers {} and not 401", page.status),
                "answer 401 with a challenge to a request without a token (RFC 6750, 3)",
            );
        }
        let read = self.read(page);
        match &read {
            Some(told) => self.did(STEP, format!("401, and the challenge names {told}")),
            None => self.did(STEP, "401, and the challenge names no metadata"),
        }
        Ok(Door::Closed(read))
    }

    /// `resource_metadata`, as this client reads the challenge.
    fn read(&self, page: &Page) -> Option<String> {
        // A page does not see what the server does not open to it.
        if self.client.browser.is_some()
            && !(page.opened_to(INSPECTOR) && page.exposes("www-authenticate"))
        {
            return None;
        }
        let text = page.challenge_text()?;
        let told = match self.client.places.does.reading {
            Reading::Challenges => page.challenged("resource_metadata"),
            Reading::ExactBearer => {
                let exact = text.split(", ").any(|part| part.starts_with("Bearer "));
                exact.then(|| page.challenged("resource_metadata"))?
            }
            Reading::FirstBearer => {
                let (scheme, _) = text.split_once(' ')?;
                scheme
                    .eq_ignore_ascii_case("bearer")
                    .then(|| anywhere(&text))?
            }
            Reading::Text => anywhere(&text),
        }?;
        Url::parse(&told).is_ok().then_some(told)
    }

    /// The issuer that the resource's metadata name.
    pub(super) fn resource(&mut self, told: Option<&str>) -> Result<String, Failing> {
        const STEP: &str = "resource metadata";
        let facts = self.facts;
        let places = self.client.places;
        let mut candidates: Vec<String> = told.map(str::to_owned).into_iter().collect();
        if told.is_none() || places.does.beyond_challenge {
            candidates.extend(resource_places(&facts.url));
        }
        let mut blocked = None;
        for candidate in &candidates {
            let Some(page) = facts.found(candidate) else {
                continue;
            };
            if self.client.browser.is_some() && !page.opened_to(INSPECTOR) {
                blocked = Some(candidate.clone());
                continue;
            }
            let resource = page.text("resource").unwrap_or_default();
            if !self.matches(&resource, candidate) {
                return fails(
                    STEP,
                    self.client.matching.source,
                    format!(
                        "{candidate} is about {resource}, and the client was given {}",
                        facts.url
                    ),
                    format!("set `resource` to {} exactly (RFC 9728, 3.3)", facts.url),
                );
            }
            let issuer = page.json().as_ref().and_then(first_server);
            let Some(issuer) = issuer else {
                return fails(
                    STEP,
                    None,
                    format!("{candidate} names no authorization server"),
                    "name it in `authorization_servers`",
                );
            };
            self.did(STEP, format!("{candidate} names {issuer}"));
            return Ok(issuer);
        }
        if let Some(blocked) = blocked {
            return fails(
                STEP,
                self.client.browser,
                format!("a browser does not let its page read {blocked}"),
                "send Access-Control-Allow-Origin: * with it: it is public",
            );
        }
        let instead = match self.client.instead.does {
            Instead::Origin => at(&facts.url, "/").trim_end_matches('/').to_owned(),
            Instead::Url => facts.url.to_string(),
            Instead::Nothing => {
                return fails(
                    STEP,
                    places.source,
                    format!("there are none at {}", candidates.join(" and ")),
                    "serve them, and name their URL in the challenge (RFC 9728, 5.1)",
                );
            }
        };
        self.legacy = true;
        self.did(
            STEP,
            format!("none; the client takes {instead} for the authorization server"),
        );
        Ok(instead)
    }

    /// Whether this client takes metadata of `resource`, found at `place`, for those of the URL.
    fn matches(&self, resource: &str, place: &str) -> bool {
        let url = &self.facts.url;
        let Ok(named) = Url::parse(resource) else {
            return false;
        };
        if named == *url {
            return true;
        }
        let slashed = |url: &Url| format!("{}/", url.path().trim_end_matches('/'));
        let same_origin = named.origin() == url.origin();
        let parent = same_origin && slashed(url).starts_with(&slashed(&named));
        match self.client.matching.does {
            Match::Normalised => false,
            Match::Parent => parent,
            Match::ParentNoSlash => parent && named.path().len() <= url.path().len(),
            Match::Root => same_origin && named.path() == "/" && named.query().is_none(),
            Match::Own => {
                let own = resource_places(&named);
                parent && (slashed(url) == slashed(&named) || own[0] == place)
            }
        }
    }

    /// The metadata of `issuer`, with all that this client needs in them.
    pub(super) fn server(&mut self, issuer: &str) -> Result<Known, Failing> {
        const STEP: &str = "server metadata";
        let facts = self.facts;
        let Ok(url) = Url::parse(issuer) else {
            return fails(STEP, None, format!("{issuer} is no URL"), "name an issuer");
        };
        if let Some(source) = self.client.public_servers
            && is_private(&url)
            && !(is_loopback(&url) && is_loopback(&facts.url))
        {
            return fails(
                STEP,
                Some(source),
                format!("{issuer} is no public address, and the client does not ask there"),
                "give the authorization server a public name",
            );
        }
        let mut blocked = None;
        let mut tried = Vec::new();
        for place in server_places(&url, self.client.forms.does) {
            tried.push(place.clone());
            let Some(page) = facts.document(&place) else {
                continue;
            };
            if page.status >= 500 && self.client.error_ends.does {
                return fails(
                    STEP,
                    self.client.error_ends.source,
                    format!("{place} answers {}, which ends the search", page.status),
                    "answer 404 where there is nothing",
                );
            }
            let Some(metadata) = facts.found(&place).and_then(Page::json) else {
                continue;
            };
            if self.client.browser.is_some() && !page.opened_to(INSPECTOR) {
                blocked = Some(place);
                continue;
            }
            self.suits(&place, &metadata, issuer)?;
            self.did(STEP, format!("{place} is what the client needs"));
            return Ok(Known {
                metadata,
                at: place,
            });
        }
        if let Some(blocked) = blocked {
            return fails(
                STEP,
                self.client.browser,
                format!("a browser does not let its page read {blocked}"),
                "send Access-Control-Allow-Origin: * with it: it is public",
            );
        }
        fails(
            STEP,
            self.client.forms.source,
            format!("there are none at {}", tried.join(" and ")),
            "serve the metadata at every place where clients look (RFC 8414, 3.1 and 5)",
        )
    }

    fn suits(&self, place: &str, metadata: &Value, issuer: &str) -> Result<(), Failing> {
        const STEP: &str = "server metadata";
        let client = self.client;
        let named = text(metadata, "issuer").unwrap_or_default();
        // Whoever made up the issuer cannot know how it is written.
        let made_up = self.legacy && Url::parse(&named) == Url::parse(issuer);
        if client.issuer_equal.does && named != issuer && !made_up {
            return fails(
                STEP,
                client.issuer_equal.source,
                format!("{place} is of the issuer {named}, and the resource names {issuer}"),
                "write the issuer in one way everywhere (RFC 8414, 3.3)",
            );
        }
        for endpoint in ["authorization_endpoint", "token_endpoint"] {
            if text(metadata, endpoint).is_none_or(|url| Url::parse(&url).is_err()) {
                return fails(
                    STEP,
                    None,
                    format!("{place} has no {endpoint}"),
                    format!("add {endpoint} (RFC 8414, 2)"),
                );
            }
        }
        let types = metadata.get("response_types_supported");
        if client.response_types.does && !has(types, "code") {
            return fails(
                STEP,
                client.response_types.source,
                format!("{place} does not list code in response_types_supported"),
                "list it (RFC 8414, 2)",
            );
        }
        let methods = metadata.get("code_challenge_methods_supported");
        let lacks = match client.pkce.does {
            Pkce::Listed => !has(methods, "S256"),
            Pkce::IfListed => methods.is_some() && !has(methods, "S256"),
            Pkce::Unchecked => false,
        };
        if lacks {
            return fails(
                STEP,
                client.pkce.source,
                format!("{place} does not list S256 in code_challenge_methods_supported"),
                "list it: clients must refuse a server that does not (MCP authorization)",
            );
        }
        Ok(())
    }
}

/// Where the metadata of an issuer are, in the order of `forms`.
pub(in super::super) fn server_places(issuer: &Url, forms: &[Form]) -> Vec<String> {
    let path = issuer.path().trim_end_matches('/');
    let mut places = Vec::new();
    for form in forms {
        let place = match form {
            Form::OauthInserted => format!("/.well-known/oauth-authorization-server{path}"),
            Form::OpenidInserted => format!("/.well-known/openid-configuration{path}"),
            Form::OpenidAppended => format!("{path}/.well-known/openid-configuration"),
            Form::OauthRoot => "/.well-known/oauth-authorization-server".to_owned(),
        };
        let place = at(issuer, &place);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The first authorization server of a resource's metadata.
pub(in super::super) fn first_server(metadata: &Value) -> Option<String> {
    let servers = metadata.get("authorization_servers")?.as_array()?;
    servers.first()?.as_str().map(str::to_owned)
}

/// `resource_metadata` anywhere in a text, as a regular expression finds it.
fn anywhere(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("resource_metadata=")?;
    let told = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split([' ', ',']).next()?,
    };
    (!told.is_empty()).then(|| told.to_owned())
}

pub(in super::super) fn has(list: Option<&Value>, name: &str) -> bool {
    let list = list.and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|item| item.as_str() == Some(name)))
}

fn text(metadata: &Value, name: &str) -> Option<String> {
    metadata.get(name)?.as_str().map(str::to_owned)
}

/// Whether an address that is written out is none of a machine on the web.
pub(in super::super) fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => AddressPolicy::public().check(ip.into()).is_err(),
        Some(url::Host::Ipv6(ip)) => AddressPolicy::public().check(ip.into()).is_err(),
        Some(url::Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
        None => true,
    }
}

/// Whether it is this machine.
pub(in super::super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
        None => false,
    }
}
