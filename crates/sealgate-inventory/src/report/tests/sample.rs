//! A small application with something to find in it.

use std::sync::Arc;

use crate::report::Sources;
use crate::{
    App, Evidence, Finding, Gate, Inventory, Kind, Lens, Level, Note, Place, Placement, Route,
    RouteKey, Rule, Severity, Sibling, Step, Strength,
};

pub(super) static OPEN_ROUTE: Rule = Rule {
    id: "open-route",
    severity: Severity::Error,
    title: "No gate stands before a route",
    explanation: "Anybody who can reach the server can call it.",
    broken: "# file: main.py\n@app.post(\"/orders\")\ndef create(): ...\n",
    fixed: "# file: main.py\n@app.post(\"/orders\", dependencies=[Depends(user)])\ndef create(): ...\n",
};

pub(super) static LOST_GATE: Rule = Rule {
    id: "lost-gate",
    severity: Severity::Error,
    title: "A route has lost a gate",
    explanation: "The lock file says that it had one.",
    broken: "# file: main.py\n@app.get(\"/\")\ndef home(): ...\n",
    fixed: "# file: main.py\n@app.get(\"/\", dependencies=[Depends(user)])\ndef home(): ...\n",
};

pub(super) static RULES: [&Rule; 2] = [&OPEN_ROUTE, &LOST_GATE];

const MAIN: &str = "from fastapi import FastAPI

from app import orders

app = FastAPI()
app.include_router(orders.router, prefix=\"/api\")
";

const ORDERS: &str = "router = APIRouter(prefix=\"/orders\")


@router.get(\"/{id}\")
def read(id: int, user: Annotated[User, Depends(current_user)]) -> Order:
    return load(id)


@router.delete(\"/{id}\")
def remove(id: int) -> None:
\tforget(id)
";

pub(super) struct Files;

impl Sources for Files {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        match file {
            "app/main.py" => Some(MAIN.into()),
            "app/orders.py" => Some(ORDERS.into()),
            _ => None,
        }
    }
}

pub(super) fn place(file: &str, line: u32) -> Place {
    Place {
        file: file.to_owned(),
        line,
    }
}

pub(super) fn key(methods: &str, path: &str) -> RouteKey {
    RouteKey {
        app: "app.main:app".to_owned(),
        path: path.to_owned(),
        methods: methods.to_owned(),
    }
}

fn via() -> Vec<Step> {
    vec![Step {
        place: place("app/main.py", 6),
        text: "app.include_router(orders.router, prefix=\"/api\")".to_owned(),
    }]
}

fn route(methods: &str, path: &str, line: u32, evidence: Evidence) -> Route {
    Route {
        app: "app.main:app".to_owned(),
        path: path.to_owned(),
        methods: vec![methods.to_owned()],
        kind: Kind::Http,
        endpoint: Some(format!("app.orders:at_{line}")),
        file: Some("app/orders.py".to_owned()),
        line: Some(line),
        evidence,
        gates: Vec::new(),
        strength: Strength::default(),
        reason: None,
        dependencies: Vec::new(),
        risk: Vec::new(),
        via: via(),
    }
}

fn routes() -> Vec<Route> {
    let strength = Strength {
        level: Level::User,
        ..Strength::default()
    };
    let gated = Route {
        gates: vec![Gate {
            name: "app.auth:current_user".to_owned(),
            placement: Placement::Dependency,
            strength: strength.clone(),
            place: Some(place("app/auth.py", 12)),
        }],
        strength,
        ..route("GET", "/api/orders/{id}", 4, Evidence::GatedStatic)
    };
    let docs = Route {
        kind: Kind::Docs,
        endpoint: None,
        file: None,
        line: None,
        via: Vec::new(),
        reason: Some("FastAPI serves its own documentation here".to_owned()),
        ..route("GET", "/docs", 0, Evidence::Open)
    };
    let public = Route {
        reason: Some("load balancers ask".to_owned()),
        ..route("GET", "/health", 30, Evidence::Public)
    };
    vec![
        route("DELETE", "/api/orders/{id}", 9, Evidence::Open),
        gated,
        docs,
        public,
    ]
}

pub(super) fn inventory() -> Inventory {
    let mut inventory = Inventory::new(Lens::Scan, ".");
    inventory.apps = vec![App {
        name: "app.main:app".to_owned(),
        place: Some(place("app/main.py", 5)),
        middleware: Vec::new(),
        openapi_operations: None,
    }];
    inventory.routes = routes();
    inventory.findings = vec![
        Finding {
            rule: "new-route".to_owned(),
            severity: Severity::Note,
            message: "GET /docs is served by the framework".to_owned(),
            place: Some(place("app/main.py", 5)),
            route: Some(key("GET", "/docs")),
            hint: None,
            via: Vec::new(),
            sibling: None,
        },
        Finding {
            rule: "open-route".to_owned(),
            severity: Severity::Error,
            message: "DELETE /api/orders/{id} has no gate".to_owned(),
            place: Some(place("app/orders.py", 9)),
            route: Some(key("DELETE", "/api/orders/{id}")),
            hint: Some("give it a dependency that denies, or declare it public with a reason".to_owned()),
            via: via(),
            sibling: Some(Sibling {
                route: key("GET", "/api/orders/{id}"),
                place: Some(place("app/orders.py", 4)),
                gates: vec!["app.auth:current_user".to_owned()],
            }),
        },
        Finding {
            rule: "dead-entry".to_owned(),
            severity: Severity::Warning,
            message: "the lock file names GET /gone, which is not there any more".to_owned(),
            place: Some(place("sealgate.routes.toml", 17)),
            route: Some(key("GET", "/gone")),
            hint: Some("write it anew: sealgate routes lock".to_owned()),
            via: Vec::new(),
            sibling: None,
        },
        Finding {
            rule: "route-walker".to_owned(),
            severity: Severity::Warning,
            message: "authentication code walks app.routes, which is empty of included routes since FastAPI 0.137".to_owned(),
            place: Some(place("app/main.py", 6)),
            route: None,
            hint: None,
            via: Vec::new(),
            sibling: None,
        },
    ];
    inventory.notes = vec![Note {
        place: Some(place("app/plugins.py", 3)),
        text: "a router comes from a list that is made at run time".to_owned(),
    }];
    inventory
}
