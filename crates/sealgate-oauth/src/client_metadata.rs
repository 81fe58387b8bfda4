//! What a client that nobody registered says of itself (RFC 7591, 2): in a document at the address that is
//! its id, or when it registers itself.
//!
//! All of it is a stranger's word. What people will read is bounded and free of characters that could make it
//! read otherwise; what cannot be used here is left out or refused, never repaired.

use std::str::FromStr as _;

use sealgate_model::Grant;
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use url::{Host, Url};

use crate::{RedirectUri, Scopes};

/// How many redirect URIs are looked at.
pub(crate) const REDIRECT_URIS: usize = 32;
/// Characters of a name, and bytes of an address.
const NAME: usize = 100;
const ADDRESS: usize = 512;
/// The most keys of a set that is given whole.
const KEYS: usize = 16;

/// The grants that a client of its own kind may use. Nothing without a user, and nothing that takes a user's
/// word for a code that somebody else shows them.
const GRANTS: [Grant; 2] = [Grant::AuthorizationCode, Grant::RefreshToken];

/// What is wrong with what a client says. The text repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClientMetadataError {
    /// Longer, deeper or with more members than the limit.
    #[error("it is too long or too deep")]
    TooLarge,
    /// Not one JSON object, or a name in it stands twice.
    #[error("it is not one JSON object with each name once")]
    Malformed,
    /// No redirect URI that could be used, one that cannot where each has to, or too many.
    #[error("{0}")]
    Redirect(&'static str),
    /// Another member is not as it has to be.
    #[error("{0}")]
    Member(&'static str),
}

impl ClientMetadataError {
    /// What is wrong, as text of ours.
    pub const fn what(self) -> &'static str {
        match self {
            Self::TooLarge => "it is too long or too deep",
            Self::Malformed => "it is not one JSON object with each name once",
            Self::Redirect(what) | Self::Member(what) => what,
        }
    }
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A document, which is written for every server: what this one has no use for is left out.
    Document,
    /// A registration, which is written for this server: what it has no use for is refused.
    Registration,
}

/// How a client of its own kind proves who it is. There are no shared secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnAuthentication {
    /// Not at all.
    None,
    /// By its keys, which it gives: a JWK set whose keys have not been looked at yet.
    Jwks(Value),
    /// By its keys, which are at this address. Nobody has judged yet whether it may be asked.
    JwksUri(String),
}

/// What a client says of itself, as far as it counts here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientMetadata {
    /// Its name: 1 to 100 characters, none of them invisible.
    pub name: Option<String>,
    /// Where codes may be sent: 1 to 32, each fit to be registered, sorted.
    pub redirect_uris: Vec<String>,
    /// The grants that it wants of those that it may have; `authorization_code` is one of them.
    pub grants: Vec<Grant>,
    /// How it proves who it is.
    pub authentication: OwnAuthentication,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Its terms of service.
    pub tos_uri: Option<String>,
    /// What it does with data.
    pub policy_uri: Option<String>,
    /// Whether its tokens must be bound to a key (RFC 9449, 5.2).
    pub require_dpop: bool,
    /// Whether it must push its requests (RFC 9126, 6).
    pub require_pushed: bool,
}

impl ClientMetadata {
    /// Reads the members of `object`. Those that are not known are passed over (RFC 7591, 2).
    pub(crate) fn read(
        object: &Map<String, Value>,
        source: Source,
    ) -> Result<Self, ClientMetadataError> {
        for secret in ["client_secret", "client_secret_expires_at"] {
            if object.contains_key(secret) {
                return Err(ClientMetadataError::Member("it has a client secret"));
            }
        }
        response_types(object)?;
        let grants = grants(object)?;
        let authentication = authentication(object, source)?;
        let redirect_uris = redirect_uris(object, source)?;
        if authentication != OwnAuthentication::None
            && redirect_uris.iter().any(|uri| is_private_use(uri))
        {
            // Nobody keeps a key on the computers of others (RFC 8252, 8.6).
            return Err(ClientMetadataError::Redirect(
                "only a client without keys may have a scheme of its own",
            ));
        }
        application_type(object, &redirect_uris)?;
        Ok(Self {
            name: name(object)?,
            redirect_uris,
            grants,
            authentication,
            client_uri: address(object, "client_uri", source)?,
            tos_uri: address(object, "tos_uri", source)?,
            policy_uri: address(object, "policy_uri", source)?,
            require_dpop: flag(object, "dpop_bound_access_tokens")?,
            require_pushed: flag(object, "require_pushed_authorization_requests")?,
        })
    }

    /// Whether it has nothing by which it could prove who it is.
    pub fn is_public(&self) -> bool {
        self.authentication == OwnAuthentication::None
    }

    /// Its method of authentication, as metadata names it.
    pub fn method(&self) -> &'static str {
        if self.is_public() {
            "none"
        } else {
            "private_key_jwt"
        }
    }
}

fn is_private_use(uri: &str) -> bool {
    RedirectUri::from_str(uri).is_ok_and(|uri| uri.is_private_use())
}

/// A member that is a text, if it is there.
fn text<'a>(
    object: &'a Map<String, Value>,
    member: &str,
    error: &'static str,
) -> Result<Option<&'a str>, ClientMetadataError> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ClientMetadataError::Member(error)),
    }
}

/// A member that is a list of texts, if it is there.
fn texts<'a>(
    object: &'a Map<String, Value>,
    member: &str,
    error: ClientMetadataError,
) -> Result<Option<Vec<&'a str>>, ClientMetadataError> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.map(Some).ok_or(error)
        }
        Some(_) => Err(error),
    }
}

fn flag(object: &Map<String, Value>, member: &str) -> Result<bool, ClientMetadataError> {
    match object.get(member) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(ClientMetadataError::Member("a flag is not true or false")),
    }
}

fn response_types(object: &Map<String, Value>) -> Result<(), ClientMetadataError> {
    const WRONG: ClientMetadataError =
        ClientMetadataError::Member("response_types does not have code, the only one offered");
    match texts(object, "response_types", WRONG)? {
        Some(types) if !types.contains(&"code") => Err(WRONG),
        _ => Ok(()),
    }
}

/// Those of the grants asked for that such clients may have.
fn grants(object: &Map<String, Value>) -> Result<Vec<Grant>, ClientMetadataError> {
    const WRONG: ClientMetadataError =
        ClientMetadataError::Member("grant_types does not have authorization_code");
    let Some(asked) = texts(object, "grant_types", WRONG)? else {
        // RFC 7591, 2: what is left out is authorization_code alone.
        return Ok(vec![Grant::AuthorizationCode]);
    };
    let grants: Vec<Grant> = GRANTS
        .into_iter()
        .filter(|grant| asked.contains(&grant.as_str()))
        .collect();
    if grants.contains(&Grant::AuthorizationCode) {
        Ok(grants)
    } else {
        Err(WRONG)
    }
}

fn authentication(
    object: &Map<String, Value>,
    source: Source,
) -> Result<OwnAuthentication, ClientMetadataError> {
    const KIND: &str = "token_endpoint_auth_method is not a text";
    const KEYS_WRONG: ClientMetadataError =
        ClientMetadataError::Member("private_key_jwt needs keys, by jwks or by jwks_uri");
    match text(object, "token_endpoint_auth_method", KIND)? {
        None | Some("none") => Ok(OwnAuthentication::None),
        Some("private_key_jwt") => {
            let uri = text(object, "jwks_uri", "jwks_uri is not a text")?;
            let set = object.get("jwks").filter(|set| !set.is_null());
            match (set, uri) {
                (Some(set), None) => {
                    let keys = set.get("keys").and_then(Value::as_array);
                    let sound = keys.is_some_and(|keys| {
                        (1..=KEYS).contains(&keys.len()) && keys.iter().all(Value::is_object)
                    });
                    // Whatever comes beside the keys is not kept.
                    sound
                        .then(|| OwnAuthentication::Jwks(serde_json::json!({ "keys": keys })))
                        .ok_or(KEYS_WRONG)
                }
                (None, Some(uri)) if uri.len() <= ADDRESS => {
                    Ok(OwnAuthentication::JwksUri(uri.to_owned()))
                }
                _ => Err(KEYS_WRONG),
            }
        }
        // Who asks to be given a secret is registered without one, and reads so in the answer (RFC 7591,
        // 3.2.1). A document must not even name such a method.
        Some("client_secret_basic" | "client_secret_post") if source == Source::Registration => {
            Ok(OwnAuthentication::None)
        }
        Some(_) => Err(ClientMetadataError::Member(
            "token_endpoint_auth_method is neither none nor private_key_jwt",
        )),
    }
}

fn redirect_uris(
    object: &Map<String, Value>,
    source: Source,
) -> Result<Vec<String>, ClientMetadataError> {
    const NOT_A_LIST: ClientMetadataError =
        ClientMetadataError::Redirect("redirect_uris is not a list of texts");
    let given = texts(object, "redirect_uris", NOT_A_LIST)?.unwrap_or_default();
    if given.len() > REDIRECT_URIS {
        return Err(ClientMetadataError::Redirect("redirect_uris has too many"));
    }
    let mut kept: Vec<String> = Vec::new();
    for uri in given {
        match (uri.parse::<RedirectUri>(), source) {
            (Ok(uri), _) => kept.push(uri.as_str().to_owned()),
            (Err(_), Source::Document) => {}
            (Err(_), Source::Registration) => {
                return Err(ClientMetadataError::Redirect(
                    "a redirect URI is not https, http on the loopback, or of a scheme of its own",
                ));
            }
        }
    }
    kept.sort_unstable();
    kept.dedup();
    if kept.is_empty() {
        Err(ClientMetadataError::Redirect(
            "redirect_uris has none that can be used",
        ))
    } else {
        Ok(kept)
    }
}

/// `application_type` binds whoever states it (`OpenID` Connect Registration, 2): one of the web is not on a
/// user's computer. Unstated, it is told by the redirect URIs.
fn application_type(
    object: &Map<String, Value>,
    redirect_uris: &[String],
) -> Result<(), ClientMetadataError> {
    const WRONG: &str = "application_type is neither web nor native";
    let is_web = |uri: &String| {
        let url = Url::parse(uri).ok();
        url.is_some_and(|url| url.scheme() == "https" && !is_loopback(&url))
    };
    match text(object, "application_type", WRONG)? {
        None | Some("native") => Ok(()),
        Some("web") if redirect_uris.iter().all(is_web) => Ok(()),
        Some("web") => Err(ClientMetadataError::Redirect(
            "an application of the web has a redirect URI on the computer of its user",
        )),
        Some(_) => Err(ClientMetadataError::Member(WRONG)),
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn name(object: &Map<String, Value>) -> Result<Option<String>, ClientMetadataError> {
    let Some(name) = text(object, "client_name", "client_name is not a text")? else {
        return Ok(None);
    };
    let name = name.trim();
    if name.is_empty() {
        return Ok(None);
    }
    if name.chars().count() > NAME {
        return Err(ClientMetadataError::Member("client_name is too long"));
    }
    if !is_readable(name) {
        return Err(ClientMetadataError::Member(
            "client_name has characters that are not seen, or turn the text around",
        ));
    }
    Ok(Some(name.to_owned()))
}

/// Whether a text is what it looks like: without control characters, without what is not seen, and without
/// what makes it read in another order (Unicode Technical Report 36, 2.10 and Standard Annex 9, 2).
pub fn is_readable(text: &str) -> bool {
    let hidden = |c: char| {
        matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{f0000}'..
        )
    };
    !text.chars().any(|c| c.is_control() || hidden(c))
}

/// The address of a page for people, if there is one: https, without user information. Nobody follows it but
/// they.
fn address(
    object: &Map<String, Value>,
    member: &str,
    source: Source,
) -> Result<Option<String>, ClientMetadataError> {
    const WRONG: &str = "the address of a page is not an https URL";
    let given = match (text(object, member, WRONG), source) {
        (Ok(given), _) => given.filter(|given| !given.is_empty()),
        (Err(_), Source::Document) => None,
        (Err(error), Source::Registration) => return Err(error),
    };
    let Some(given) = given else {
        return Ok(None);
    };
    let url = Url::parse(given).ok().filter(|url| {
        given.len() <= ADDRESS
            && url.scheme() == "https"
            && url.host().is_some()
            && !url.authority().contains('@')
            && given.bytes().all(|b| b.is_ascii_graphic())
    });
    match (url, source) {
        (Some(url), _) => Ok(Some(url.into())),
        (None, Source::Document) => Ok(None),
        (None, Source::Registration) => Err(ClientMetadataError::Member(WRONG)),
    }
}

/// What such a client may ask for: of `open`, the scopes of what is open to it, each with those about the
/// user.
pub fn scopes_of_own_clients<'a>(open: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut scopes: Vec<String> = Scopes::ABOUT_USER.map(str::to_owned).to_vec();
    for scope in open {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}
