//! Builders that the tests of this crate share.

use crate::{App, Evidence, Gate, Inventory, Kind, Lens, Level, Placement, Route, Strength};

/// A route of `main:app` before which nothing stands.
pub(crate) fn route(methods: &str, path: &str) -> Route {
    let name = path.split('/').next_back().unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    Route {
        app: "main:app".to_owned(),
        path: path.to_owned(),
        methods: match methods {
            "*" | "WEBSOCKET" => Vec::new(),
            _ => methods.split(',').map(str::to_owned).collect(),
        },
        kind: if methods == "WEBSOCKET" {
            Kind::Websocket
        } else {
            Kind::Http
        },
        endpoint: Some(format!("app.routes:{name}")),
        file: Some("app/routes.py".to_owned()),
        line: Some(10),
        evidence: Evidence::Open,
        gates: Vec::new(),
        strength: Strength::default(),
        reason: None,
        dependencies: Vec::new(),
        risk: Vec::new(),
        via: Vec::new(),
    }
}

impl Route {
    /// The same behind one gate more.
    pub(crate) fn behind(mut self, name: &str, strength: &Strength) -> Self {
        self.gates.push(Gate {
            name: name.to_owned(),
            placement: Placement::Dependency,
            strength: strength.clone(),
            place: None,
        });
        self.strength = self.strength.and(strength);
        self.evidence = self.evidence.max(Evidence::GatedStatic);
        self
    }

    /// The same as the evidence says it is.
    pub(crate) fn known(mut self, evidence: Evidence, reason: Option<&str>) -> Self {
        self.evidence = evidence;
        self.reason = reason.map(str::to_owned);
        self
    }
}

/// Anybody with a valid credential.
pub(crate) fn user() -> Strength {
    Strength {
        level: Level::User,
        ..Strength::default()
    }
}

/// Somebody with a role.
pub(crate) fn admin() -> Strength {
    Strength {
        level: Level::Privileged,
        roles: ["admin".to_owned()].into(),
        ..Strength::default()
    }
}

/// What a scan saw of `main:app`.
pub(crate) fn scanned(routes: Vec<Route>) -> Inventory {
    let mut inventory = Inventory::new(Lens::Scan, ".");
    inventory.apps.push(App {
        name: "main:app".to_owned(),
        place: None,
        middleware: Vec::new(),
        openapi_operations: None,
    });
    inventory.routes = routes;
    inventory.sort();
    inventory
}
