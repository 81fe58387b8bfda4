//! Scopes and resources as people read them.

use sealgate_store::{Resource, StoreError};

use crate::pages::{ResourceView, ScopeView};
use crate::{ControlPlane, admin_scopes};

/// The scopes that mean the same everywhere.
const STANDARD: [(&str, &str); 4] = [
    ("openid", "Know who you are, and your roles here"),
    ("profile", "See your name"),
    ("email", "See your e-mail address"),
    (
        "offline_access",
        "Stay connected while you are not using it, until the session ends",
    ),
];

/// The resources whose scopes may be spoken of.
pub(crate) struct Words {
    own: String,
    resources: Vec<Resource>,
}

impl Words {
    /// Knows the resources with these URIs, those that count most first.
    pub(crate) async fn load(
        plane: &ControlPlane,
        uris: [&[String]; 2],
    ) -> Result<Self, StoreError> {
        let mut resources: Vec<Resource> = Vec::new();
        for uri in uris.concat() {
            if resources.iter().all(|known| known.uri != uri) {
                resources.extend(plane.store.resource(&uri).await?);
            }
        }
        let own = admin_scopes::resource(&plane.issuer);
        Ok(Self { own, resources })
    }

    /// Knows every resource.
    pub(crate) async fn load_all(plane: &ControlPlane) -> Result<Self, StoreError> {
        let own = admin_scopes::resource(&plane.issuer);
        let resources = plane.store.resources().await?;
        Ok(Self { own, resources })
    }

    /// What scopes allow, one line each. One that nobody has described stands there as it is.
    pub(crate) fn scopes<'a>(&self, scopes: impl IntoIterator<Item = &'a str>) -> Vec<ScopeView> {
        let described = |scope: &str| {
            let standard = STANDARD.iter().find(|(name, _)| *name == scope);
            let standard = standard.map(|(_, words)| (*words).to_owned());
            let own = admin_scopes::words(scope).map(|words| format!("Administration: {words}"));
            let all = self.resources.iter().flat_map(|resource| &resource.scopes);
            let mut told = all.filter(|text| text.name == scope && !text.description.is_empty());
            standard
                .or(own)
                .or_else(|| told.next().map(|text| text.description.clone()))
        };
        let view = |scope: &str| match described(scope) {
            Some(text) => ScopeView {
                text,
                literal: false,
            },
            None => ScopeView {
                text: scope.to_owned(),
                literal: true,
            },
        };
        scopes.into_iter().map(view).collect()
    }

    /// Resources by name and address.
    pub(crate) fn resources(&self, uris: &[String]) -> Vec<ResourceView> {
        let name = |uri: &String| {
            let known = self.resources.iter().find(|resource| resource.uri == *uri);
            let known = known.map(|resource| resource.name.clone());
            let own = (*uri == self.own).then(|| "Administration of Sealgate".to_owned());
            known.filter(|name| !name.is_empty()).or(own)
        };
        let view = |uri: &String| ResourceView {
            name: name(uri),
            uri: uri.clone(),
        };
        uris.iter().map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;
    use sealgate_store::ScopeText;

    use super::*;

    fn words() -> Words {
        let scope = |name: &str, description: &str| ScopeText {
            name: name.to_owned(),
            description: description.to_owned(),
        };
        let resource = |uri: &str, name: &str, scopes| Resource {
            status_list: false,
            agents: false,
            tools: Vec::new(),
            uri: uri.to_owned(),
            name: name.to_owned(),
            client: None,
            scopes,
            created_at: Timestamp::from_seconds(1),
        };
        Words {
            own: "https://id.example/api/v1".to_owned(),
            resources: vec![
                resource(
                    "https://api.example",
                    "Expenses",
                    vec![
                        scope("expenses:read", "See your expenses"),
                        scope("bare", ""),
                        scope("email", "Take over the mail server"),
                    ],
                ),
                resource(
                    "https://b.example",
                    "",
                    vec![scope("expenses:read", "Read expense reports")],
                ),
            ],
        }
    }

    #[test]
    fn a_scope_is_told_in_words_or_as_it_is() {
        let lines = words().scopes(["openid", "expenses:read", "bare", "unheard:of"]);
        let lines: Vec<_> = lines
            .iter()
            .map(|line| (line.text.as_str(), line.literal))
            .collect();
        assert_eq!(
            lines,
            [
                ("Know who you are, and your roles here", false),
                ("See your expenses", false),
                ("bare", true),
                ("unheard:of", true),
            ]
        );
    }

    #[test]
    fn nobody_describes_a_standard_scope_anew() {
        assert_eq!(words().scopes(["email"])[0].text, "See your e-mail address");
    }

    #[test]
    fn a_resource_is_named_with_its_address() {
        let uris = [
            "https://api.example",
            "https://b.example",
            "https://id.example/api/v1",
        ]
        .map(String::from);
        let views = words().resources(&uris);
        let names: Vec<_> = views.iter().map(|view| view.name.as_deref()).collect();
        assert_eq!(
            names,
            [Some("Expenses"), None, Some("Administration of Sealgate")]
        );
        assert_eq!(views[1].uri, "https://b.example");
    }
}
