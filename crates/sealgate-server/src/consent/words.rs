//! Scopes and resources as people read them.

use sealgate_store::{DeclaredWord, Resource, StoreError, ToolText};

use crate::pages::{GrantsView, PlaceView, ResourceView, ScopeView, ToolView, ToolsView};
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

/// The most tools under one scope that are told without being asked for.
const TOOLS: usize = 8;

/// The resources whose scopes may be spoken of.
pub(crate) struct Words {
    own: String,
    resources: Vec<Resource>,
    /// Scopes that are declared by themselves: what they mean where no resource says it better.
    declared: Vec<DeclaredWord>,
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
        let declared = plane.store.declared_scopes().await?;
        Ok(Self {
            own,
            resources,
            declared,
        })
    }

    /// Knows every resource.
    pub(crate) async fn load_all(plane: &ControlPlane) -> Result<Self, StoreError> {
        let own = admin_scopes::resource(&plane.issuer);
        let resources = plane.store.resources().await?;
        let declared = plane.store.declared_scopes().await?;
        Ok(Self {
            own,
            resources,
            declared,
        })
    }

    /// What scopes allow at resources. A scope that one of these describes is told there, with what can be
    /// called by it; every other one by itself.
    pub(crate) fn grants<'a>(
        &self,
        scopes: impl IntoIterator<Item = &'a str>,
        uris: &[String],
    ) -> GrantsView {
        let scopes: Vec<&str> = scopes.into_iter().collect();
        let here = |uri: &String| self.resources.iter().find(|known| known.uri == *uri);
        let views = self.resources(uris);
        let place = |(uri, resource): (&String, ResourceView)| {
            let known = here(uri);
            let described = |scope: &&&str| known.is_some_and(|known| describes(known, scope));
            let told: Vec<&str> = scopes.iter().filter(described).copied().collect();
            let tools = known.map_or(&[][..], |known| &known.tools);
            let mut views = self.scopes(told.iter().copied());
            for (view, scope) in views.iter_mut().zip(&told) {
                let text =
                    known.and_then(|known| known.scopes.iter().find(|one| one.name == **scope));
                if let Some(text) = text {
                    view.text.clone_from(&text.description);
                    view.literal = false;
                }
                view.tools = callable(tools, &scopes, Some(scope));
            }
            PlaceView {
                resource,
                tools: callable(tools, &scopes, None),
                scopes: views,
            }
        };
        let places = uris.iter().zip(views).map(place).collect();
        let somewhere = |scope: &&&str| {
            let mut known = uris.iter().filter_map(here);
            known.any(|known| describes(known, scope))
        };
        let general = scopes.iter().filter(|scope| !somewhere(scope));
        GrantsView {
            general: self.scopes(general.copied()),
            places,
        }
    }

    /// What scopes allow, one line each. One that nobody has described stands there as it is.
    fn scopes<'a>(&self, scopes: impl IntoIterator<Item = &'a str>) -> Vec<ScopeView> {
        let described = |scope: &str| {
            let standard = STANDARD.iter().find(|(name, _)| *name == scope);
            let standard = standard.map(|(_, words)| (*words).to_owned());
            let own = admin_scopes::words(scope).map(|words| format!("Administration: {words}"));
            let all = self.resources.iter().flat_map(|resource| &resource.scopes);
            let mut told = all.filter(|text| text.name == scope && !text.description.is_empty());
            standard
                .or(own)
                .or_else(|| told.next().map(|text| text.description.clone()))
                .or_else(|| {
                    let mut declared = self.declared.iter();
                    let word = declared.find(|word| word.name == scope);
                    word.map(|word| word.description.clone())
                })
        };
        let view = |scope: &str| match described(scope) {
            Some(text) => ScopeView {
                text,
                literal: false,
                tools: ToolsView::default(),
            },
            None => ScopeView {
                text: scope.to_owned(),
                literal: true,
                tools: ToolsView::default(),
            },
        };
        scopes.into_iter().map(view).collect()
    }

    /// Resources by name and address.
    fn resources(&self, uris: &[String]) -> Vec<ResourceView> {
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

/// Whether a resource says what a scope means there. Nobody describes a standard one anew.
fn describes(resource: &Resource, scope: &str) -> bool {
    let standard = STANDARD.iter().any(|(name, _)| *name == scope);
    let mut described = resource.scopes.iter();
    !standard && described.any(|text| text.name == scope && !text.description.is_empty())
}

/// The tools that `granted` opens, of which `scope` is the first that they take; none: those that take none.
fn callable(tools: &[ToolText], granted: &[&str], scope: Option<&str>) -> ToolsView {
    let opened = |tool: &&ToolText| {
        let mut taken = tool.scopes.iter().map(String::as_str);
        taken.clone().next() == scope && taken.all(|one| granted.contains(&one))
    };
    let view = |tool: &ToolText| ToolView {
        name: tool.name.clone(),
        text: tool.description.clone(),
    };
    let mut first: Vec<ToolView> = tools.iter().filter(opened).map(view).collect();
    // One more is not worth opening.
    let more = if first.len() > TOOLS + 1 {
        first.split_off(TOOLS)
    } else {
        Vec::new()
    };
    ToolsView { first, more }
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
            declared: vec![DeclaredWord {
                name: "expenses:close".to_owned(),
                description: "Close the month".to_owned(),
            }],
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
        let lines = words().scopes([
            "openid",
            "expenses:read",
            "expenses:close",
            "bare",
            "unheard:of",
        ]);
        let lines: Vec<_> = lines
            .iter()
            .map(|line| (line.text.as_str(), line.literal))
            .collect();
        assert_eq!(
            lines,
            [
                ("Know who you are, and your roles here", false),
                ("See your expenses", false),
                ("Close the month", false),
                ("bare", true),
                ("unheard:of", true),
            ]
        );
    }

    #[test]
    fn what_is_granted_is_told_at_each_place_with_what_can_be_called_there() {
        let mut words = words();
        let tool = |name: &str, scopes: &[&str]| ToolText {
            name: name.to_owned(),
            description: format!("To {name}"),
            scopes: scopes.iter().map(ToString::to_string).collect(),
        };
        words.resources[0].tools = vec![
            tool("look", &["expenses:read"]),
            tool("ping", &[]),
            tool("move", &["expenses:read", "expenses:write"]),
        ];
        let uris = ["https://api.example", "https://b.example"].map(String::from);
        let scopes = ["openid", "email", "expenses:read", "unheard:of"];
        let told = words.grants(scopes, &uris);
        let lines = |views: &[ScopeView]| -> Vec<String> {
            views.iter().map(|view| view.text.clone()).collect()
        };
        let tools = |view: &ToolsView| -> Vec<String> {
            view.first.iter().map(|tool| tool.text.clone()).collect()
        };
        assert_eq!(
            lines(&told.general),
            [
                "Know who you are, and your roles here",
                "See your e-mail address",
                "unheard:of"
            ]
        );
        let [first, second] = &told.places[..] else {
            panic!("{told:?}");
        };
        assert_eq!(lines(&first.scopes), ["See your expenses"]);
        assert_eq!(tools(&first.tools), ["To ping"]);
        assert_eq!(
            tools(&first.scopes[0].tools),
            ["To look"],
            "moving takes more"
        );
        assert_eq!(lines(&second.scopes), ["Read expense reports"]);
        assert!(second.scopes[0].tools.first.is_empty());
        let more = words.grants(["expenses:read", "expenses:write"], &uris[..1]);
        assert_eq!(
            tools(&more.places[0].scopes[0].tools),
            ["To look", "To move"]
        );
    }

    #[test]
    fn many_tools_can_be_opened() {
        let tool = |number: usize| ToolText {
            name: number.to_string(),
            description: number.to_string(),
            scopes: Vec::new(),
        };
        let shown = |count: usize| {
            let tools: Vec<ToolText> = (0..count).map(tool).collect();
            let view = callable(&tools, &[], None);
            (view.first.len(), view.more.len())
        };
        assert_eq!(shown(9), (9, 0));
        assert_eq!(shown(10), (8, 2));
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
