//! What the registration of an issuer must be.

use sealgate_jose::JwkSet;
use sealgate_model::IssuerKind;
use sealgate_oauth::identity::{BUNDLE_SCHEME, check_issuer};
use sealgate_store::{IdentityIssuer, IssuerDetails};
use serde_json::Value;
use url::Url;

use super::types::NewIssuer;
use crate::problem::Problem;
use crate::sign_in::address;
use crate::{ControlPlane, issuers};

/// The most domains of one issuer.
const MOST_DOMAINS: usize = 64;

/// The members of a key that only its holder may have, or that make it symmetric.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// The registration as it is kept, if it is sound.
pub(super) fn settle(
    plane: &ControlPlane,
    new: NewIssuer,
    now: sealgate_model::Timestamp,
) -> Result<IdentityIssuer, Problem> {
    let about_people = new.kind.is_about_people();
    let own = plane.issuer.as_str();
    let audience = match new.audience {
        None => own.to_owned(),
        // What speaks for people is good for one server alone.
        Some(audience) if about_people && audience != own => {
            return Err(unsound(
                "what vouches for people names this issuer as audience",
            ));
        }
        Some(audience) => text(audience, 512)?,
    };
    let trust_domain = new.trust_domain.or_else(|| {
        let own = new.issuer.strip_prefix(BUNDLE_SCHEME);
        own.filter(|_| new.kind == IssuerKind::Spiffe)
            .map(str::to_owned)
    });
    check_issuer(new.kind, &new.issuer, trust_domain.as_deref(), &new.claims)
        .map_err(|error| Problem::unprocessable(error.code(), error.to_string()))?;
    let domains = domains(new.domains)?;
    if about_people == domains.is_empty() || (!about_people && new.tenant.is_some()) {
        return Err(unsound(
            "an issuer of kind enterprise has 1 to 64 domains and perhaps a tenant, and no other has any",
        ));
    }
    let mut issuer = IdentityIssuer {
        issuer: issuer_name(plane, new.issuer)?,
        name: text(new.name, 100)?,
        kind: new.kind,
        details: IssuerDetails {
            audience,
            jwks: None,
            jwks_uri: new.jwks_uri,
            trust_domain,
            claims: new.claims,
            domains,
            tenant: new.tenant,
        },
        created_at: now,
        disabled_at: None,
    };
    keys(plane, &mut issuer, new.jwks)?;
    Ok(issuer)
}

fn unsound(what: &str) -> Problem {
    Problem::unprocessable("issuer_malformed", what)
}

fn text(text: String, limit: usize) -> Result<String, Problem> {
    let sound = (1..=limit).contains(&text.len())
        && !text.trim().is_empty()
        && !text.chars().any(address::is_hidden);
    if sound {
        Ok(text)
    } else {
        Err(unsound(
            "a text is empty, too long, or holds control or hidden characters",
        ))
    }
}

/// The name of an issuer as it stands in tokens: a URL of an origin or of a path below it, or a trust domain.
fn issuer_name(plane: &ControlPlane, issuer: String) -> Result<String, Problem> {
    if issuer == plane.issuer.as_str() {
        return Err(unsound(
            "this control plane is no issuer of other identities",
        ));
    }
    if issuer.starts_with(BUNDLE_SCHEME) {
        return Ok(issuer);
    }
    let issuer = text(issuer, 512)?;
    let loopback = |host: Option<url::Host<&str>>| match host {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let sound = Url::parse(&issuer).is_ok_and(|url| {
        let secure = url.scheme() == "https" || url.scheme() == "http" && loopback(url.host());
        secure
            && url.query().is_none()
            && url.fragment().is_none()
            && !url.authority().contains('@')
    });
    if sound && issuer.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(issuer)
    } else {
        Err(unsound(
            "an issuer goes by an https URL without query and fragment, or by spiffe:// and a trust domain",
        ))
    }
}

/// Its keys: registered, at an address, or where its metadata says.
fn keys(
    plane: &ControlPlane,
    issuer: &mut IdentityIssuer,
    jwks: Option<Value>,
) -> Result<(), Problem> {
    let unusable = |said: &str| Problem::unprocessable("issuer_keys_unusable", said);
    let reachable = |url: &str| {
        let checked = plane.outbound.check(url);
        checked.map_err(|error| Problem::unprocessable(error.code(), format!("{url}: {error}")))
    };
    match (jwks, &issuer.details.jwks_uri) {
        (Some(_), Some(_)) => Err(Problem::unprocessable(
            "issuer_keys_twice",
            "the keys of an issuer are given by jwks or by jwks_uri, not by both",
        )),
        (Some(set), None) => {
            let is_private = |key: &Value| PRIVATE.iter().any(|name| key.get(name).is_some());
            let all = set["keys"].as_array().into_iter().flatten();
            // Whatever is wrong with a key, nothing of it is repeated.
            if all.into_iter().any(is_private) {
                return Err(unusable("a key of jwks has a private part"));
            }
            let parsed = JwkSet::parse(set.to_string().as_bytes());
            let parsed = parsed.map_err(|_| unusable("jwks is no set of keys"))?;
            if issuers::usable(issuer, parsed.clone()).is_empty() {
                return Err(unusable(
                    "no key of jwks is of use: RSA, P-256, Ed25519 or ML-DSA-65, and in the bundle of a trust \
                     domain with the use jwt-svid and an id",
                ));
            }
            let kept = serde_json::to_value(parsed).map_err(|_| Problem::internal())?;
            issuer.details.jwks = Some(kept);
            Ok(())
        }
        (None, Some(uri)) => {
            let uri = text(uri.clone(), 2000)?;
            reachable(&uri)
        }
        (None, None) if issuers::is_bundle(issuer) => Err(unusable(
            "a trust domain has no metadata: give the keys of its bundle, or the address of it",
        )),
        (None, None) => reachable(&issuers::metadata_url(&issuer.issuer)),
    }
}

fn domains(given: Vec<String>) -> Result<Vec<String>, Problem> {
    if given.len() > MOST_DOMAINS {
        return Err(unsound(
            "an issuer vouches for people of at most 64 domains",
        ));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let mut domains = Vec::with_capacity(given.len());
    for domain in given {
        if !(1..=253).contains(&domain.len()) || !domain.bytes().all(allowed) {
            return Err(unsound("a domain has 1 to 253 of A-Z a-z 0-9 - and ."));
        }
        domains.push(domain.to_ascii_lowercase());
    }
    domains.sort();
    domains.dedup();
    Ok(domains)
}
