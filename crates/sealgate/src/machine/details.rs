//! What can be said of a service account when it is registered or changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sealgate_model::Grant;
use sealgate_server::admin::{Identity, MachinePatch, NewMachine};

use crate::client;
use crate::failure::Failure;

/// Everything but whose it is, what it is for, where it runs and until when.
#[derive(Debug, Args)]
pub(super) struct Details {
    /// The name people read; by default its id
    #[arg(long)]
    name: Option<String>,
    /// A scope it may ask for; repeat for more
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A resource it may ask tokens for; repeat for more
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// A grant it may use: `client_credentials`, `token_exchange` or `jwt_bearer`; repeat for more. By default the
    /// first, or with an identity the last
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    grants: Vec<Grant>,
    /// Its public keys: a JWK set, a JWK, or a private key in PEM, of which the public part is taken
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where its public keys are
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Whom of another issuer it is: the issuer, and claims that all have to fit, as in
    /// `"https://token.actions.githubusercontent.com repository=acme/expenses"`; repeat for more
    #[arg(long = "identity", value_name = "ISSUER CLAIM=VALUE …", value_parser = identity)]
    identities: Vec<Identity>,
    /// Its tokens must be bound to a key (RFC 9449)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    require_dpop: Option<bool>,
    /// How long its access tokens live, in seconds, 60 to 900
    #[arg(long, value_name = "SECONDS")]
    access_lifetime: Option<u32>,
    /// The algorithm that signs its tokens: `EdDSA`, `ES256`, `RS256`, `PS256`, `ML-DSA-65`
    #[arg(long, value_name = "NAME")]
    algorithm: Option<String>,
}

/// What an update takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Unset {
    Scope,
    Resource,
    Identity,
    Jwks,
    JwksUri,
    AccessLifetime,
}

/// A grant by its name; the long ones have a short form.
fn grant(text: &str) -> Result<Grant, String> {
    let known = match text {
        "jwt_bearer" => Some(Grant::JwtBearer),
        text => client::grant(text).ok(),
    };
    let fits = |grant: &Grant| {
        matches!(
            grant,
            Grant::ClientCredentials | Grant::TokenExchange | Grant::JwtBearer
        )
    };
    known.filter(fits).ok_or_else(|| {
        "a grant of a service account is client_credentials, token_exchange or jwt_bearer"
            .to_owned()
    })
}

/// `https://issuer.example sub=repo:acme/* ref=refs/heads/main`.
fn identity(text: &str) -> Result<Identity, &'static str> {
    const WRONG: &str =
        "give the issuer and at least one claim, as in 'https://issuer.example sub=the-job'";
    let mut words = text.split_whitespace();
    let issuer = words.next().ok_or(WRONG)?;
    let mut claims = BTreeMap::new();
    for word in words {
        let (name, value) = word.split_once('=').ok_or(WRONG)?;
        if name.is_empty() || value.is_empty() {
            return Err(WRONG);
        }
        if claims.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err("a claim is named twice");
        }
    }
    if claims.is_empty() {
        return Err(WRONG);
    }
    Ok(Identity {
        issuer: issuer.to_owned(),
        claims,
    })
}

impl Details {
    /// Fills in a registration.
    pub(super) fn complete(self, new: NewMachine) -> Result<NewMachine, Failure> {
        Ok(NewMachine {
            name: self.name,
            scopes: self.scopes,
            resources: self.resources,
            grants: some(self.grants),
            jwks: self.jwks.as_deref().map(client::key_set).transpose()?,
            jwks_uri: self.jwks_uri,
            identities: self.identities,
            require_dpop: self.require_dpop.unwrap_or_default(),
            access_lifetime: self.access_lifetime,
            algorithm: self.algorithm,
            ..new
        })
    }

    /// The change that these make, without what `unset` takes away.
    pub(super) fn change(self, unset: &[Unset]) -> Result<MachinePatch, Failure> {
        let gone = |which: Unset| unset.contains(&which);
        let keys = self.jwks.as_deref().map(client::key_set).transpose()?;
        // Keys in one place take the place of those in the other.
        let (by_set, by_uri) = (keys.is_some(), self.jwks_uri.is_some());
        Ok(MachinePatch {
            name: self.name,
            scopes: some_or(self.scopes, gone(Unset::Scope)),
            resources: some_or(self.resources, gone(Unset::Resource)),
            grants: some(self.grants),
            jwks: value_or(keys, gone(Unset::Jwks) || by_uri),
            jwks_uri: value_or(self.jwks_uri, gone(Unset::JwksUri) || by_set),
            identities: some_or(self.identities, gone(Unset::Identity)),
            require_dpop: self.require_dpop,
            access_lifetime: value_or(self.access_lifetime, gone(Unset::AccessLifetime)),
            algorithm: self.algorithm,
            ..MachinePatch::default()
        })
    }
}

fn some<T>(given: Vec<T>) -> Option<Vec<T>> {
    (!given.is_empty()).then_some(given)
}

fn some_or<T>(given: Vec<T>, gone: bool) -> Option<Vec<T>> {
    if gone { Some(given) } else { some(given) }
}

#[expect(
    clippy::option_option,
    reason = "absent: it stays; none: it is taken away"
)]
fn value_or<T>(given: Option<T>, gone: bool) -> Option<Option<T>> {
    match given {
        Some(value) => Some(Some(value)),
        None => gone.then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_grant_of_a_service_account_goes_by_a_short_name_too() {
        assert_eq!(grant("client_credentials"), Ok(Grant::ClientCredentials));
        assert_eq!(grant("token_exchange"), Ok(Grant::TokenExchange));
        assert_eq!(grant("jwt_bearer"), Ok(Grant::JwtBearer));
        assert_eq!(grant(Grant::JwtBearer.as_str()), Ok(Grant::JwtBearer));
        for wrong in ["authorization_code", "device_code", "password"] {
            assert!(grant(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_identity_is_an_issuer_and_its_claims() {
        let read = identity("https://a.example  sub=repo:acme/* /k8s/ns=a=b").unwrap();
        assert_eq!(read.issuer, "https://a.example");
        let claims: Vec<_> = read.claims.into_iter().collect();
        let own = |text: &str| text.to_owned();
        assert_eq!(
            claims,
            [
                (own("/k8s/ns"), own("a=b")),
                (own("sub"), own("repo:acme/*"))
            ]
        );
        for wrong in [
            "",
            "https://a.example",
            "https://a.example sub",
            "a =b",
            "a b=",
            "a b=c b=d",
        ] {
            assert!(identity(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn an_identity_that_is_read_is_written_again_as_it_was(
            issuer in "https://[a-z]{1,10}",
            claims in proptest::collection::btree_map("[a-z/]{1,8}", "[!-~]{1,12}", 1..5),
        ) {
            let words = claims.iter().map(|(name, value)| format!(" {name}={value}"));
            let text = issuer.clone() + &words.collect::<String>();
            let read = identity(&text).unwrap();
            prop_assert_eq!(read, Identity { issuer, claims });
        }
    }
}
