//! What each route asks of its caller, by method and path.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;
use sealgate_gate::{Need, Requirement};
use thiserror::Error;

/// Why a map of routes cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RouteMapError {
    /// A path is no path, or stands beside one that it cannot be told from.
    #[error("the path {path:?} cannot be used: {why}")]
    Path {
        /// The path as it was written.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A route may be served by a view that is not fresh ([`Need::stale_ok`]), and does not only read.
    #[error("{method} {path:?} cannot say stale_ok, which is for GET, HEAD and OPTIONS alone")]
    StaleChange {
        /// The method.
        method: Method,
        /// The path as it was written.
        path: String,
    },
    /// A route is public for no reason.
    #[error("say why {path:?} is public")]
    NoReason {
        /// The path as it was written.
        path: String,
    },
}

/// What each route asks of its caller. Paths are written as axum writes them: `/orders/{id}`, `/static/{*rest}`.
#[derive(Clone, Default)]
pub struct RouteMap {
    by_method: HashMap<Method, matchit::Router<Marked>>,
}

/// A route: what it asks, and its path as it was written.
#[derive(Clone)]
struct Marked {
    requirement: Requirement,
    template: Arc<str>,
}

impl RouteMap {
    /// Begins a map.
    pub fn builder() -> RouteMapBuilder {
        RouteMapBuilder {
            map: Ok(Self::default()),
        }
    }

    /// What a request asks for. A route for GET answers HEAD too, as in axum, unless HEAD has its own.
    pub fn requirement(&self, method: &Method, path: &str) -> Requirement {
        match self.reached(method, path).map(|marked| &marked.requirement) {
            // What leads elsewhere once it is tidied up is not what was opened.
            Some(Requirement::Public { .. }) if !is_plain(path) => Requirement::Unmarked,
            Some(requirement) => requirement.clone(),
            None => Requirement::Unmarked,
        }
    }

    /// The path of the route that a request reaches, as it was written; none if it is not named here.
    pub fn template(&self, method: &Method, path: &str) -> Option<Arc<str>> {
        let marked = self.reached(method, path)?;
        Some(Arc::clone(&marked.template))
    }

    fn reached(&self, method: &Method, path: &str) -> Option<&Marked> {
        let found = self.at(method, path);
        match *method {
            Method::HEAD => found.or_else(|| self.at(&Method::GET, path)),
            _ => found,
        }
    }

    fn at(&self, method: &Method, path: &str) -> Option<&Marked> {
        let routes = self.by_method.get(method)?;
        routes.at(path).ok().map(|found| found.value)
    }
}

impl std::fmt::Debug for RouteMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.by_method.keys()).finish()
    }
}

/// A map of routes in the making.
#[derive(Debug)]
pub struct RouteMapBuilder {
    map: Result<RouteMap, RouteMapError>,
}

impl RouteMapBuilder {
    /// The route asks for an actor who meets `need`.
    #[must_use]
    pub fn ask(self, method: Method, path: &str, need: Need) -> Self {
        let only_reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method);
        if need.stale_ok && !only_reads {
            let path = path.to_owned();
            return Self {
                map: self
                    .map
                    .and(Err(RouteMapError::StaleChange { method, path })),
            };
        }
        self.insert(method, path, Requirement::Actor(need))
    }

    /// The route is open to everybody, because of `reason`.
    #[must_use]
    pub fn public(self, method: Method, path: &str, reason: &str) -> Self {
        if reason.trim().is_empty() {
            let path = path.to_owned();
            return Self {
                map: self.map.and(Err(RouteMapError::NoReason { path })),
            };
        }
        let reason = reason.to_owned();
        self.insert(method, path, Requirement::Public { reason })
    }

    /// The map.
    ///
    /// # Errors
    /// The first thing that was wrong with it.
    pub fn build(self) -> Result<RouteMap, RouteMapError> {
        self.map
    }

    fn insert(self, method: Method, path: &str, requirement: Requirement) -> Self {
        let map = self.map.and_then(|mut map| {
            let wrong = |why: String| RouteMapError::Path {
                path: path.to_owned(),
                why,
            };
            if !path.starts_with('/') {
                return Err(wrong("it does not begin with a slash".to_owned()));
            }
            let routes = map.by_method.entry(method).or_default();
            let marked = Marked {
                requirement,
                template: path.into(),
            };
            let inserted = routes.insert(path, marked);
            inserted.map_err(|error| wrong(error.to_string()))?;
            Ok(map)
        });
        Self { map }
    }
}

/// Whether a path means the same to everybody: no dot segments, empty segments, backslashes or encoded slashes,
/// however often it is decoded.
fn is_plain(path: &str) -> bool {
    let mut path = path.to_owned();
    loop {
        let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
        let same = decoded == path;
        let odd = |segment: &str| matches!(segment, "." | "..");
        if slashes(&decoded) != slashes(&path)
            || decoded.contains(['\\', '\0'])
            || decoded.contains("//")
            || decoded.split('/').any(odd)
        {
            return false;
        }
        if same {
            return true;
        }
        path = decoded;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_gate::Kinds;

    use super::*;

    fn map() -> RouteMap {
        RouteMap::builder()
            .public(Method::GET, "/health", "load balancers ask")
            .public(Method::GET, "/static/{*rest}", "assets")
            .ask(Method::GET, "/orders/{id}", Need::of(Kinds::ANY))
            .ask(Method::HEAD, "/health", Need::of(Kinds::USER))
            .build()
            .unwrap()
    }

    fn word(method: &Method, path: &str) -> &'static str {
        match map().requirement(method, path) {
            Requirement::Public { .. } => "public",
            Requirement::Actor(_) => "actor",
            Requirement::Mcp(_) => "mcp",
            Requirement::Unmarked | Requirement::Unreviewed => "unmarked",
        }
    }

    #[test]
    fn a_route_asks_what_was_said_and_everything_else_is_closed() {
        for (method, path, expected) in [
            (Method::GET, "/health", "public"),
            (Method::HEAD, "/health", "actor"),
            (Method::POST, "/health", "unmarked"),
            (Method::GET, "/health/", "unmarked"),
            (Method::GET, "/Health", "unmarked"),
            (Method::GET, "/static/a/b.css", "public"),
            (Method::HEAD, "/static/a.css", "public"),
            (Method::GET, "/static/", "unmarked"),
            (Method::GET, "/orders/7", "actor"),
            (Method::GET, "/orders/7/lines", "unmarked"),
            (Method::GET, "/", "unmarked"),
            (Method::OPTIONS, "/health", "unmarked"),
        ] {
            assert_eq!(word(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_path_that_may_lead_elsewhere_is_not_public() {
        for path in [
            "/static/../orders/7",
            "/static/%2e%2e/orders/7",
            "/static/%252e%252e/orders/7",
            "/static/..%2forders",
            "/static/..%5corders",
            "/static//etc",
            "/static/./a",
            "/static/a%00",
        ] {
            assert_eq!(word(&Method::GET, path), "unmarked", "{path}");
        }
    }

    #[test]
    fn a_map_that_cannot_be_meant_is_not_made() {
        let path = |path: &str| RouteMap::builder().public(Method::GET, path, "why").build();
        assert!(matches!(path("health"), Err(RouteMapError::Path { .. })));
        assert!(matches!(path("/{a"), Err(RouteMapError::Path { .. })));
        let twice = RouteMap::builder().public(Method::GET, "/{a}", "why").ask(
            Method::GET,
            "/{b}",
            Need::of(Kinds::ANY),
        );
        assert!(matches!(twice.build(), Err(RouteMapError::Path { .. })));
        let stale = |method| {
            let need = Need {
                stale_ok: true,
                ..Need::of(Kinds::ANY)
            };
            RouteMap::builder().ask(method, "/a", need).build()
        };
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::TRACE] {
            assert!(matches!(
                stale(method),
                Err(RouteMapError::StaleChange { .. })
            ));
        }
        assert!(stale(Method::GET).is_ok() && stale(Method::HEAD).is_ok());
        let silent = RouteMap::builder().public(Method::GET, "/a", " ").build();
        assert!(matches!(silent, Err(RouteMapError::NoReason { .. })));
    }

    proptest! {
        #[test]
        fn no_public_path_leads_out_of_its_subtree(rest in "[a-z./%25e\\\\]{0,20}") {
            let path = format!("/static/{rest}");
            if let Requirement::Public { .. } = map().requirement(&Method::GET, &path) {
                let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
                prop_assert!(decoded.starts_with("/static/"));
                prop_assert!(!decoded.split(['/', '\\']).any(|segment| segment == ".."), "{}", decoded);
            }
        }
    }
}
