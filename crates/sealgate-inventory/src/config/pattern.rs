//! Patterns that stand for routes: `GET /health`, `/health`, `/static/*`.

use crate::{Methods, Route};

/// Which routes are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePattern {
    /// Only with these methods. None: with any, and WebSockets.
    methods: Option<Methods>,
    /// The path, or what it begins with.
    path: String,
    /// Everything below the path as well.
    below: bool,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadPattern {
    /// It is none.
    Malformed,
    /// It means everything.
    TooWide,
}

impl RoutePattern {
    /// Reads `PATH`, `PATH/*`, or either with methods and a space before it. Paths are compared letter by
    /// letter with the templates of routes: `/users/{id}` means that template, and no `/users/1`.
    pub(super) fn parse(text: &str) -> Result<Self, BadPattern> {
        let (methods, path) = match text.split_once(' ') {
            Some((methods, path)) if !methods.starts_with('/') => {
                let methods = Methods::parse(methods).ok_or(BadPattern::Malformed)?;
                (Some(methods), path)
            }
            _ => (None, text),
        };
        if path.trim() != path || !path.starts_with(['/', '<']) {
            return Err(BadPattern::Malformed);
        }
        let (path, below) = match path.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (path, false),
        };
        if below && path.is_empty() {
            return Err(BadPattern::TooWide);
        }
        if path.contains('*') {
            return Err(BadPattern::Malformed);
        }
        Ok(Self {
            methods,
            path: path.to_owned(),
            below,
        })
    }

    /// Whether a route is meant, with all its methods. `/static/*` means `/static` too.
    pub fn matches(&self, route: &Route) -> bool {
        self.covers(&route.path, &Methods::of(route))
    }

    /// The same, of a route by its path and methods.
    pub(super) fn covers(&self, path: &str, methods: &Methods) -> bool {
        let path = match path.strip_prefix(&self.path) {
            Some("") => true,
            Some(rest) => self.below && rest.starts_with('/'),
            None => false,
        };
        path && self
            .methods
            .as_ref()
            .is_none_or(|own| own.cover_all(methods))
    }
}

impl std::fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(methods) = &self.methods {
            write!(f, "{methods} ")?;
        }
        write!(f, "{}{}", self.path, if self.below { "/*" } else { "" })
    }
}
