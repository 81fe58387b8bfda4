//! The methods of a route as a set, which two ways of looking write alike.

use std::collections::BTreeSet;
use std::fmt;

use crate::{Kind, Route};

/// The methods that a route takes. `HEAD` is left out beside `GET`: frameworks add it to the same handler, some
/// do and some do not, and no gate tells the two apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Methods {
    /// Every HTTP method.
    All,
    /// It is a WebSocket, which has none.
    Websocket,
    /// These, of which there is one at least.
    These(BTreeSet<String>),
}

impl Methods {
    /// Those of a route.
    pub fn of(route: &Route) -> Self {
        match route.kind {
            Kind::Websocket => Self::Websocket,
            _ if route.methods.is_empty() => Self::All,
            _ => Self::these(route.methods.iter().cloned().collect()),
        }
    }

    /// From `*`, `WEBSOCKET`, or methods in capitals with `,` between them. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "*" => return Some(Self::All),
            "WEBSOCKET" => return Some(Self::Websocket),
            _ => {}
        }
        let mut these = BTreeSet::new();
        for method in text.split(',') {
            let named = (1..=20).contains(&method.len())
                && method
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'-');
            if !named || method == "WEBSOCKET" || !these.insert(method.to_owned()) {
                return None;
            }
        }
        Some(Self::these(these))
    }

    fn these(mut these: BTreeSet<String>) -> Self {
        if these.contains("GET") {
            these.remove("HEAD");
        }
        Self::These(these)
    }

    /// Each of them, as it stands in a file: `GET`, or `*`, or `WEBSOCKET`.
    pub fn each(&self) -> Vec<&str> {
        match self {
            Self::All => vec!["*"],
            Self::Websocket => vec!["WEBSOCKET"],
            Self::These(these) => these.iter().map(String::as_str).collect(),
        }
    }

    /// Whether one of [`Methods::each`] is among them. Every method covers each, but no WebSocket.
    pub fn cover(&self, method: &str) -> bool {
        match self {
            Self::All => method != "WEBSOCKET",
            Self::Websocket => method == "WEBSOCKET",
            Self::These(these) => {
                these.contains(method) || method == "HEAD" && these.contains("GET")
            }
        }
    }

    /// Whether all of the others are among them.
    pub fn cover_all(&self, others: &Self) -> bool {
        others.each().into_iter().all(|method| self.cover(method))
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.each().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(text: &str) -> Methods {
        Methods::parse(text).unwrap()
    }

    #[test]
    fn are_written_in_order_whoever_wrote_them() {
        assert_eq!(methods("POST,GET").to_string(), "GET,POST");
        assert_eq!(methods("*").to_string(), "*");
        assert_eq!(methods("WEBSOCKET").to_string(), "WEBSOCKET");
    }

    #[test]
    fn head_goes_with_get() {
        assert_eq!(methods("HEAD,GET"), methods("GET"));
        assert!(methods("GET").cover("HEAD"));
        assert_eq!(methods("HEAD").to_string(), "HEAD");
    }

    #[test]
    fn what_is_no_method_is_refused() {
        for text in [
            "",
            "get",
            "GET,",
            "GET,GET",
            "GET POST",
            "GET,WEBSOCKET",
            "GET,*",
        ] {
            assert_eq!(Methods::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_method_covers_each_but_no_websocket() {
        assert!(methods("*").cover_all(&methods("GET,POST")));
        assert!(!methods("*").cover("WEBSOCKET"));
        assert!(!methods("GET,POST").cover_all(&methods("*")));
    }
}
