//! Who is known to an application, and must get in or must not: the probe file.

use std::collections::BTreeMap;

use sealgate_inventory::{Level, Route};
use serde::Deserialize;

use crate::error::ProbeError;
use crate::pattern::Pattern;
use crate::request::{Header, Request};
use crate::slot::Slot;
use crate::template;

/// What an identity is, and thus what its credential must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// Gets in. The positive control: shows that a route opens at all.
    Valid,
    /// Its credential has expired.
    Expired,
    /// It was revoked: signed out, disabled or deleted.
    Revoked,
    /// It has lost a role or scope. Denied where that is asked for.
    Demoted,
    /// It belongs to another tenant than what it asks for.
    OtherTenant,
    /// Its credential is for another audience.
    WrongAudience,
}

impl IdentityKind {
    /// The name as the file has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Demoted => "demoted",
            Self::OtherTenant => "other-tenant",
            Self::WrongAudience => "wrong-audience",
        }
    }
}

/// The probe file as it is written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeFile {
    /// Values of path parameters, by their names.
    pub params: BTreeMap<String, String>,
    /// Where credentials are put, besides what the application and the identities tell.
    pub scheme: Vec<Slot>,
    /// Who is known to the application.
    pub identity: Vec<Written>,
}

/// An identity as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    name: String,
    kind: IdentityKind,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    routes: Vec<String>,
}

/// Somebody who is known to the application.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: IdentityKind,
    headers: Vec<Header>,
    query: Vec<(String, Header)>,
    routes: Vec<Pattern>,
}

impl Written {
    /// Puts environment variables in place of `${NAME}`, so that no secret has to stand in the file.
    pub fn resolved(
        self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Identity, ProbeError> {
        let shown = format!("<{}: {}>", self.kind.as_str(), self.name);
        let header = |name: &String, value: &String| {
            let value = substituted(value, &self.name, &variable)?;
            Ok(Header::hidden(
                name,
                &value,
                &stands_for(name, &value, &shown),
            ))
        };
        let headers: Result<Vec<Header>, ProbeError> = self
            .headers
            .iter()
            .map(|(name, value)| header(name, value))
            .collect();
        let query: Result<Vec<(String, Header)>, ProbeError> = self
            .query
            .iter()
            .map(|(name, value)| {
                let value = substituted(value, &self.name, &variable)?;
                Ok((name.clone(), Header::hidden(name, &value, &shown)))
            })
            .collect();
        let identity = Identity {
            headers: headers?,
            query: query?,
            routes: self
                .routes
                .iter()
                .map(|route| Pattern::new(route))
                .collect(),
            name: self.name,
            kind: self.kind,
        };
        if identity.headers.is_empty() && identity.query.is_empty() {
            return Err(ProbeError::IdentityEmpty(identity.name));
        }
        Ok(identity)
    }
}

/// What is shown of a header: its scheme or the names of its cookies, and who it is.
fn stands_for(name: &str, value: &str, shown: &str) -> String {
    let slots = Slot::of_header(name, value);
    let part = |(slot, _): &(Slot, &str)| match slot {
        Slot::Bearer => format!("Bearer {shown}"),
        Slot::Basic => format!("Basic {shown}"),
        Slot::Cookie { name } => format!("{name}={shown}"),
        // The first word may be the credential itself.
        _ => shown.to_owned(),
    };
    let parts: Vec<String> = slots.iter().map(part).collect();
    if parts.is_empty() {
        shown.to_owned()
    } else {
        parts.join("; ")
    }
}

fn substituted(
    text: &str,
    identity: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, ProbeError> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Err(ProbeError::VariableTorn(identity.to_owned()));
        };
        let value = variable(name).filter(|value| !value.is_empty());
        let missing = || ProbeError::VariableMissing(name.to_owned(), identity.to_owned());
        whole.push_str(before);
        whole.push_str(&value.ok_or_else(missing)?);
        rest = after;
    }
    whole.push_str(rest);
    Ok(whole)
}

impl Identity {
    /// Lets a request come from it.
    #[must_use]
    pub fn sign(&self, mut request: Request) -> Request {
        for header in &self.headers {
            request = request.with(header.clone());
        }
        for (name, value) in &self.query {
            request = request.with_pair(name, &value.value, &value.shown);
        }
        request
    }

    /// Its slots, each with what is in it.
    pub(crate) fn slots(&self) -> Vec<(Slot, &str)> {
        let headers = self.headers.iter();
        let query = self.query.iter().map(|(name, value)| {
            let slot = Slot::Query { name: name.clone() };
            (slot, value.value.as_str())
        });
        headers
            .flat_map(|header| Slot::of_header(&header.name, &header.value))
            .chain(query)
            .collect()
    }

    /// Whether it must be denied at `route`, or for a valid one, let in.
    ///
    /// Who lost a role may still do what needs none, and who belongs to another tenant may do what belongs
    /// to none: without a list of routes, they are tried only where the route tells that it matters.
    pub(crate) fn applies(
        &self,
        route: &Route,
        method: &str,
        params: &BTreeMap<String, String>,
    ) -> bool {
        if !self.routes.is_empty() {
            let mut patterns = self.routes.iter();
            return patterns.any(|pattern| pattern.matches(method, &route.path));
        }
        match self.kind {
            IdentityKind::Demoted => route.strength.level == Level::Privileged,
            IdentityKind::OtherTenant => template::names(&route.path)
                .iter()
                .any(|name| params.contains_key(name)),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Channel;

    fn written(headers: &[(&str, &str)]) -> Written {
        let headers = headers.iter();
        Written {
            name: "ada".to_owned(),
            kind: IdentityKind::Revoked,
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            query: BTreeMap::new(),
            routes: Vec::new(),
        }
    }

    #[test]
    fn secrets_come_from_the_environment_and_are_not_shown() {
        let variable = |name: &str| (name == "ADA").then(|| "t0ken".to_owned());
        let ada = written(&[("Authorization", "Bearer ${ADA}"), ("Cookie", "a=${ADA}")]);
        let ada = ada.resolved(variable).unwrap();
        let request = ada.sign(Request::new(Channel::Http, "GET", "/"));
        assert_eq!(request.headers[0].value, "Bearer t0ken");
        assert_eq!(
            format!("{request}"),
            "GET / with Authorization: Bearer <revoked: ada> and Cookie: a=<revoked: ada>"
        );
        assert!(!format!("{ada:?}").contains("t0ken"));
    }

    #[test]
    fn a_variable_that_is_not_set_is_an_error_that_names_it() {
        let missing = written(&[("X-Key", "${NONE}")]).resolved(|_| None);
        insta::assert_snapshot!(missing.unwrap_err(), @"the identity ada needs ${NONE}, which is not set");
        let torn = written(&[("X-Key", "${NONE")]).resolved(|_| None);
        assert_eq!(torn.unwrap_err().code(), "probe_variable_torn");
        let empty = written(&[]).resolved(|_| None);
        assert_eq!(empty.unwrap_err().code(), "probe_identity_empty");
    }
}
