//! Rules by which an identity of another issuer is a machine: claims and the values that they must have.
//!
//! A rule that would take in strangers is refused when it is written, and one that was sound for another kind
//! of issuer fits nobody.

use std::collections::BTreeMap;

use sealgate_model::IssuerKind;
use serde_json::Value;
use thiserror::Error;

use super::spiffe::{BUNDLE_SCHEME, trust_domain_of};
use super::{VouchedClaims, is_trust_domain};
use crate::OAuthError;

/// For each claim, by its name or by a JSON pointer (RFC 6901), the value that it must have; `*` at the end stands
/// for any rest that is not empty.
pub type ClaimRules = BTreeMap<String, String>;

/// How many claims one identity may name, and the bytes of a claim's name and of a value.
const MOST: usize = 16;
const NAME: usize = 128;
const VALUE: usize = 512;

/// What every subject of a Kubernetes token begins with.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// Why rules are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentityRuleError {
    /// They cannot be read.
    #[error("{0}")]
    Malformed(&'static str),
    /// They would take in others than are meant.
    #[error("{0}")]
    Broad(&'static str),
}

impl IdentityRuleError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "identity_rule_malformed",
            Self::Broad(_) => "identity_rule_broad",
        }
    }
}

/// Whether rules for identities of an issuer of this kind are sound: each can be read, and together they pin who it
/// is. `trust_domain` is that of a SPIFFE issuer.
pub fn check_rules(
    kind: IssuerKind,
    trust_domain: Option<&str>,
    rules: &ClaimRules,
) -> Result<(), IdentityRuleError> {
    check_claims(rules)?;
    let said = match kind {
        IssuerKind::Kubernetes => {
            "pin sub as system:serviceaccount:NAMESPACE:NAME, or /kubernetes.io/namespace, or \
             /kubernetes.io/serviceaccount/uid"
        }
        IssuerKind::Github => {
            "pin sub as repo:OWNER/REPOSITORY:…, or repository as OWNER/REPOSITORY, or repository_id"
        }
        IssuerKind::Gitlab => {
            "pin sub as project_path:GROUP/PROJECT:…, or project_path as GROUP/PROJECT, or project_id"
        }
        IssuerKind::Spiffe => {
            "pin sub as a SPIFFE ID of the trust domain, spiffe://DOMAIN/PATH or spiffe://DOMAIN/PATH/*"
        }
        IssuerKind::Openid => "pin sub, and with a star in it one more claim as a whole",
        IssuerKind::Enterprise => "an enterprise's provider vouches for people, not for machines",
    };
    if is_pinned(kind, trust_domain, rules) {
        Ok(())
    } else {
        Err(IdentityRuleError::Broad(said))
    }
}

/// Whether each rule can be read, whatever they pin together: none of them fits everything. There is at least one.
fn check_claims(rules: &ClaimRules) -> Result<(), IdentityRuleError> {
    let malformed = |said| Err(IdentityRuleError::Malformed(said));
    if rules.is_empty() || rules.len() > MOST {
        return malformed("an identity names 1 to 16 claims");
    }
    for (name, value) in rules {
        if !(1..=NAME).contains(&name.len()) || name.contains(char::is_control) || name == "/" {
            return malformed("a claim goes by its name or by a JSON pointer of at most 128 bytes");
        }
        if matches!(
            whole_claim(name),
            "iss" | "aud" | "exp" | "iat" | "nbf" | "jti"
        ) {
            return malformed("iss, aud, exp, iat, nbf and jti are judged by themselves");
        }
        if !(1..=VALUE).contains(&value.len()) || value.contains(char::is_control) {
            return malformed("a claim's value has 1 to 512 bytes without control characters");
        }
        let Some(beginning) = starred(value) else {
            if value.contains('*') {
                return malformed("a star stands at the end of a value and nowhere else");
            }
            continue;
        };
        if beginning.contains('*') {
            return malformed("a star stands at the end of a value and nowhere else");
        }
        if beginning.is_empty() {
            return Err(IdentityRuleError::Broad("a star alone fits everything"));
        }
        // Without this `acme*` would take in `acme-of-somebody-else`.
        if !beginning.ends_with(['/', ':']) {
            return malformed("a star stands after a slash or a colon");
        }
    }
    Ok(())
}

/// The claim that a rule's name leads into: a pointer's first step. No escape (RFC 6901, 3) spells a letter.
fn whole_claim(name: &str) -> &str {
    let path = name.strip_prefix('/');
    path.map_or(name, |path| path.split('/').next().unwrap_or_default())
}

/// What stands before the star at the end.
fn starred(value: &str) -> Option<&str> {
    value.strip_suffix('*')
}

/// Whether the rules say who it is, beyond what anybody at the same platform could be.
fn is_pinned(kind: IssuerKind, trust_domain: Option<&str>, rules: &ClaimRules) -> bool {
    let rule = |name: &str| rules.get(name).map(String::as_str);
    let exact = |name: &str| rule(name).is_some_and(|value| starred(value).is_none());
    match kind {
        IssuerKind::Kubernetes => {
            rule("sub").is_some_and(is_service_account)
                || exact("/kubernetes.io/namespace")
                || exact("/kubernetes.io/serviceaccount/uid")
        }
        IssuerKind::Github => {
            // Other beginnings of a subject are an owner's to choose, and `job_workflow_ref` may be a workflow
            // that everybody calls.
            let sub = rule("sub").and_then(|sub| sub.strip_prefix("repo:"));
            sub.is_some_and(is_below_an_owner)
                || rule("repository").is_some_and(is_below_an_owner)
                || exact("repository_id")
        }
        IssuerKind::Gitlab => {
            let sub = rule("sub").and_then(|sub| sub.strip_prefix("project_path:"));
            sub.is_some_and(is_below_an_owner)
                || rule("project_path").is_some_and(is_below_an_owner)
                || exact("project_id")
        }
        IssuerKind::Spiffe => match (rule("sub"), trust_domain) {
            (Some(sub), Some(domain)) => {
                // What stands before a star is the id of a folder.
                let whole = match starred(sub) {
                    Some(beginning) => beginning.strip_suffix('/').unwrap_or_default(),
                    None => sub,
                };
                trust_domain_of(whole) == Some(domain)
            }
            _ => false,
        },
        // What a subject of theirs begins with is not known here: a beginning takes another claim beside it.
        IssuerKind::Openid => {
            let whole = rules.iter().filter(|(_, value)| starred(value).is_none());
            rule("sub").is_some() && whole.count() > 0
        }
        IssuerKind::Enterprise => false,
    }
}

/// `system:serviceaccount:NAMESPACE:NAME`, or a star for the name.
fn is_service_account(sub: &str) -> bool {
    let Some((namespace, name)) = sub
        .strip_prefix(SERVICE_ACCOUNT)
        .and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    !namespace.is_empty() && !name.is_empty() && !namespace.contains('*') && !name.contains(':')
}

/// `OWNER/…`: a star may stand for a repository, never for an owner.
fn is_below_an_owner(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(owner, rest)| !owner.is_empty() && !owner.contains(':') && !rest.is_empty())
}

/// Whether an identity is one of its issuer at all: a subject of the form that the platform gives, and every claim
/// that the issuer was registered with (`always`).
pub fn check_subject(
    kind: IssuerKind,
    trust_domain: Option<&str>,
    always: &ClaimRules,
    claims: &VouchedClaims,
) -> Result<(), OAuthError> {
    let sound = match kind {
        IssuerKind::Kubernetes => claims.subject.starts_with(SERVICE_ACCOUNT),
        IssuerKind::Spiffe => {
            trust_domain.is_some() && trust_domain_of(&claims.subject) == trust_domain
        }
        _ => true,
    };
    if sound && (always.is_empty() || fits(always, &claims.all)) {
        Ok(())
    } else {
        Err(OAuthError::IdentitySubject)
    }
}

/// Whether all rules fit these claims. Without rules nothing does.
pub fn fits(rules: &ClaimRules, claims: &Value) -> bool {
    !rules.is_empty() && differing(rules, claims).is_empty()
}

/// The claims that are not as the rules have them.
pub fn differing<'a>(rules: &'a ClaimRules, claims: &Value) -> Vec<&'a str> {
    let differing = rules
        .iter()
        .filter(|(name, value)| !fits_one(name, value, claims));
    differing.map(|(name, _)| name.as_str()).collect()
}

fn fits_one(name: &str, value: &str, claims: &Value) -> bool {
    let found = if name.starts_with('/') {
        claims.pointer(name)
    } else {
        claims.get(name)
    };
    match found {
        Some(Value::Array(items)) => items.iter().any(|item| is_value(item, value)),
        Some(found) => is_value(found, value),
        None => false,
    }
}

/// Whether one value is as the rule has it. Numbers with fractions and objects are like nothing.
fn is_value(found: &Value, rule: &str) -> bool {
    match found {
        Value::String(text) => match starred(rule) {
            Some(beginning) => {
                !beginning.is_empty() && text.len() > beginning.len() && text.starts_with(beginning)
            }
            None => text == rule,
        },
        Value::Bool(flag) => rule == if *flag { "true" } else { "false" },
        Value::Number(number) if !number.is_f64() => number.to_string() == rule,
        _ => false,
    }
}

/// Whether what an issuer is registered with is sound: the claims that each of its assertions must have (`always`,
/// perhaps none), and the trust domain, which an issuer of SPIFFE IDs has and no other.
pub fn check_issuer(
    kind: IssuerKind,
    issuer: &str,
    trust_domain: Option<&str>,
    always: &ClaimRules,
) -> Result<(), IdentityRuleError> {
    if !always.is_empty() {
        check_claims(always)?;
    }
    let own = issuer.strip_prefix(BUNDLE_SCHEME);
    let sound = match (kind, trust_domain) {
        (IssuerKind::Spiffe, Some(domain)) => {
            is_trust_domain(domain) && own.is_none_or(|own| own == domain)
        }
        (IssuerKind::Spiffe, None) => false,
        (_, domain) => domain.is_none() && own.is_none(),
    };
    if sound {
        Ok(())
    } else {
        Err(IdentityRuleError::Malformed(
            "an issuer of kind spiffe has one trust domain, of lower-case letters, digits, dots, dashes and \
             underscores, and no other issuer has one",
        ))
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
