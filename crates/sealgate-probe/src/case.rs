//! One route and method under test, and what was answered so far.

use sealgate_inventory::{Evidence, Kind, Route};

use crate::answer::Verdict;
use crate::probe::{Outcome, Purpose};
use crate::request::{Channel, Request};
use crate::settings::{Leave, Settings, is_safe};
use crate::template;

/// One route and method under test.
pub(crate) struct Case {
    /// Its place among the routes.
    pub(crate) route: usize,
    /// The method that is asked with; `GET` for a WebSocket.
    pub(crate) method: String,
    /// What is sent, without any credential; or why nothing is.
    pub(crate) request: Result<Request, Unsent>,
    /// Whether the route is declared public: then nobody has to be denied.
    pub(crate) public: bool,
    /// What came of what was sent.
    pub(crate) outcomes: Vec<Outcome>,
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// The caller did not want it.
    WithoutLeave,
    /// Where to is not known.
    WithoutPath,
}

impl Unsent {
    /// In words, of a method.
    pub(crate) fn why(self, method: &str) -> String {
        match self {
            Self::WithoutLeave => format!(
                "nothing was sent: {method} may change something, and leave for that was not given"
            ),
            Self::WithoutPath => "nothing was sent: not all of its path is known".to_owned(),
        }
    }
}

/// How far the baseline has told what the gate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Denied,
    Open,
    Unclear,
}

impl Case {
    /// The cases of all routes: reading before writing, so that what writes spoils no reading.
    pub(crate) fn of(routes: &[Route], settings: &Settings) -> Vec<Self> {
        let mut cases: Vec<Self> = routes
            .iter()
            .enumerate()
            .flat_map(|(at, route)| {
                let methods = methods(route);
                methods
                    .into_iter()
                    .map(move |method| Self::new(at, route, method, settings))
            })
            .collect();
        cases.sort_by_key(|case| (!is_safe(&case.method), case.method == "DELETE"));
        cases
    }

    fn new(at: usize, route: &Route, method: String, settings: &Settings) -> Self {
        Self {
            route: at,
            request: request(route, &method, settings),
            public: route.evidence == Evidence::Public,
            method,
            outcomes: Vec::new(),
        }
    }

    /// Whether the application gave no answer at all: then it gives none to anybody else either, and each of
    /// them would be waited for.
    pub(crate) fn is_mute(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.all(|outcome| outcome.is_mute)
    }

    /// How far the baseline has told what the gate does.
    pub(crate) fn base(&self) -> Base {
        let baselines = || {
            let outcomes = self.outcomes.iter();
            outcomes
                .filter(|outcome| matches!(outcome.purpose, Purpose::Baseline | Purpose::Filled))
        };
        if baselines().any(|outcome| outcome.verdict == Verdict::Open) {
            Base::Open
        } else if baselines().any(|outcome| outcome.verdict == Verdict::Denied) {
            Base::Denied
        } else {
            Base::Unclear
        }
    }
}

fn methods(route: &Route) -> Vec<String> {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match route.kind {
        Kind::Websocket => named(&["GET"]),
        Kind::Http if route.methods.is_empty() => named(&["GET", "POST"]),
        _ if route.methods.is_empty() => named(&["GET"]),
        _ => {
            let methods = route.methods.iter();
            methods.map(|method| method.to_ascii_uppercase()).collect()
        }
    }
}

fn request(route: &Route, method: &str, settings: &Settings) -> Result<Request, Unsent> {
    if !leave_for(route, method, settings.leave) {
        return Err(Unsent::WithoutLeave);
    }
    let value = |name: &str| {
        let given = settings.params.get(name).cloned();
        given.or_else(|| {
            let document = settings.openapi.as_ref()?;
            document.path_value(&route.path, method, name)
        })
    };
    let path = template::fill(&route.path, value).ok_or(Unsent::WithoutPath)?;
    let channel = match route.kind {
        Kind::Websocket => Channel::Websocket,
        _ => Channel::Http,
    };
    Ok(Request::new(channel, method, &path))
}

fn leave_for(route: &Route, method: &str, leave: Leave) -> bool {
    // A handshake alone changes nothing that a handler has not been made to change by connecting.
    route.kind == Kind::Websocket || leave.covers(method)
}
