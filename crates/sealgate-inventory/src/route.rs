//! One way into an application.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Evidence, Strength};

/// What kind of way in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A handler for HTTP requests.
    Http,
    /// A WebSocket.
    Websocket,
    /// Another application below a path, of which nothing more is known.
    Mount,
    /// Files below a path.
    Static,
    /// A single-page application served with FastAPI's `app.frontend()`.
    Frontend,
    /// The framework's own documentation pages and the document behind them.
    Docs,
}

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file, with `/`, as seen from what was scanned.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
}

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// In the handler's own signature, or in that of one of its dependencies.
    Dependency,
    /// In the `dependencies` of the route's decorator.
    Route,
    /// In the `dependencies` of its router.
    Router,
    /// In the `dependencies` of an `include_router`.
    Include,
    /// In the `dependencies` of the application.
    App,
    /// In a middleware of the application.
    Middleware,
    /// In a decorator around the handler.
    Decorator,
    /// In the handler's own body, before anything else happens.
    Handler,
    /// Sealgate's own layer.
    Layer,
}

/// A gate before a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gate {
    /// The callable, as `module:qualname`.
    pub name: String,
    /// Where it stands.
    pub placement: Placement,
    /// What it asks for.
    #[serde(default)]
    pub strength: Strength,
    /// Where it is written, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A callable that takes part before a handler, whether or not it is a gate: a dependency, or a middleware.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Callable {
    /// The callable, as `module:qualname`.
    pub name: String,
    /// Where it stands.
    pub placement: Placement,
    /// Where it is written, where that is known. Outside of what was looked at the file is absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The scopes that `Security(...)` asks of it here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What it was made with, as far as that decides anything: the names of its free variables, or of what the
    /// object holds, and of each `none`, `true`, `false`, `empty`, `items` or `set`. Never a value: that may be a
    /// secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, String>,
}

/// What somebody could do with a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// It reads.
    Reads,
    /// It changes something.
    Writes,
    /// It manages others, or the application itself.
    Administers,
    /// It hands out or takes secrets or tokens.
    Secrets,
}

/// A step on the way from the application to a route: `include_router(users, prefix="/users")`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// What it does, in the source's own words, on one line.
    pub text: String,
}

/// One way into an application, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The application, as `module:name`, or `module:factory()`.
    pub app: String,
    /// The path with the names of its parameters, with everything it is mounted or included under. What is
    /// not known of it stands in angle brackets: `<settings.PREFIX>/users/{id}`.
    pub path: String,
    /// The methods, in order. None for what takes every method, and for WebSockets.
    pub methods: Vec<String>,
    /// What kind of way in it is.
    pub kind: Kind,
    /// What serves it, as `module:qualname`.
    pub endpoint: Option<String>,
    /// The file that this is written in, with `/`, as seen from what was scanned.
    pub file: Option<String>,
    /// Its line, from 1.
    pub line: Option<u32>,
    /// What is known.
    pub evidence: Evidence,
    /// The gates before it, from the outermost to the innermost.
    pub gates: Vec<Gate>,
    /// What all of them together ask for.
    pub strength: Strength,
    /// Why it is public, unresolved or open.
    pub reason: Option<String>,
    /// Everything that runs before the handler, gates among it, in order; where that was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Callable>,
    /// What somebody could do with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risk: Vec<Risk>,
    /// How the application leads to it, from the application on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Step>,
}

/// What makes two routes the same route, whoever saw them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteKey {
    /// The application.
    pub app: String,
    /// The path.
    pub path: String,
    /// `WEBSOCKET`, `*` for every method, or the methods with `,` between them.
    pub methods: String,
}

impl Route {
    /// What makes it this route.
    pub fn key(&self) -> RouteKey {
        RouteKey {
            app: self.app.clone(),
            path: self.path.clone(),
            methods: self.methods_text(),
        }
    }

    /// `WEBSOCKET`, `*` for every method, or the methods with `,` between them.
    pub fn methods_text(&self) -> String {
        match self.kind {
            Kind::Websocket => "WEBSOCKET".to_owned(),
            _ if self.methods.is_empty() => "*".to_owned(),
            _ => self.methods.join(","),
        }
    }

    /// Where it is written, if that is known.
    pub fn place(&self) -> Option<Place> {
        Some(Place {
            file: self.file.clone()?,
            line: self.line?,
        })
    }
}

impl std::fmt::Display for RouteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.methods, self.path)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
