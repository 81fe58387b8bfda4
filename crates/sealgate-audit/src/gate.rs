//! What a gate reports of itself: how it is set up, which policy it has, which routes stand behind it.
//!
//! The gate makes it and the control plane takes it (`POST /gates/report`). Nothing of it is a secret, and nothing
//! of it decides anything: it is a gate's own word, for people who look.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest report, in bytes: what the control plane reads of any request before it knows whose it is.
pub const REPORT_LIMIT: usize = 64 * 1024;
/// The most routes that a report lists; of more, or of those there is no room for, it says how many there are.
pub const ROUTES_MOST: usize = 2_000;
/// The longest path, and the longest word on what stands before it, in bytes. Of longer ones the beginning is told.
pub const TEXT_LIMIT: usize = 200;

/// The longest name of a gate or of one of its processes, in bytes.
const NAME_LIMIT: usize = 64;
/// The most kinds of credentials.
const KINDS_MOST: usize = 8;

/// What is wrong with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReportError {
    /// A member is not of the form that it has.
    #[error("{0} is not of its form")]
    Malformed(&'static str),
}

impl ReportError {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed(_) => "gate_report_malformed",
        }
    }
}

/// What becomes of credentials while the feed is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenStale {
    /// None passes.
    Deny,
    /// The control plane is asked about each.
    Introspect,
    /// Routes that are marked for it go on for a while.
    Allow,
}

/// Whether the routes are as they were reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// They are.
    Agrees,
    /// They are not.
    Differs,
    /// There is no lock file that they are held to.
    NoLockFile,
    /// It could not be told.
    Unknown,
}

/// What stands before a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// A gate, because the route says what it asks for.
    Gated,
    /// A gate, because nothing is said and so it is closed.
    Unmarked,
    /// Nothing: it was declared public, for a reason, or to let in those who are not signed in, too.
    Public,
    /// Nothing that is known of, and nobody declared it public.
    Open,
    /// It could not be told.
    Unresolved,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTold {
    /// Its methods with commas between, `WEBSOCKET`, or `*` for all.
    pub methods: String,
    /// Its path with the names of its parameters.
    pub template: String,
    /// Whether it is one of the framework's documentation pages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub docs: bool,
    /// What stands before it.
    pub coverage: Coverage,
    /// What its gates ask for, or why it is public, open or unresolved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How many routes there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteCounts {
    /// All of them.
    pub routes: u32,
    /// Those that say what they ask for.
    pub gated: u32,
    /// Those that say nothing, and are closed.
    pub unmarked: u32,
    /// Those that were declared public, with a reason.
    pub public: u32,
    /// Those that are open, and nobody declared them so.
    pub open: u32,
    /// Those of which it could not be told.
    pub unresolved: u32,
    /// Documentation pages, among the others.
    pub docs: u32,
}

/// The routes behind a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTable {
    /// The SHA-256 of all routes as they are told, in hexadecimal.
    pub digest: String,
    /// The SHA-256 of the lock file's bytes, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_digest: Option<String>,
    /// Whether they agree with it.
    pub agreement: Agreement,
    /// How many are not as it has them.
    #[serde(default)]
    pub differing: u32,
    /// How many there are.
    pub counts: RouteCounts,
    /// The routes, at most [`ROUTES_MOST`]. Absent where the control plane has those of this digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<RouteTold>>,
}

/// The policy that a gate decides by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTold {
    /// Its version.
    pub version: u64,
    /// When it was made, in milliseconds since 1970; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<i64>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What the gate is called.
    pub gate: String,
    /// Which process it is: random text of its own.
    pub instance: String,
    /// The version of the gate.
    pub version: String,
    /// What it stands in: `asgi`, `tower`.
    pub host: String,
    /// The policy that it has loaded, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyTold>,
    /// Its staleness bound, in milliseconds.
    pub bound: u64,
    /// What becomes of credentials beyond it.
    pub on_stale: WhenStale,
    /// For how long beyond it something may pass, in milliseconds.
    #[serde(default)]
    pub beyond: u64,
    /// The kinds of credentials that it takes.
    pub credentials: Vec<String>,
    /// The routes behind it, if it was told of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<RouteTable>,
}

impl Report {
    /// Checks what the form of the document does not.
    ///
    /// # Errors
    /// [`ReportError::Malformed`] with the member that is wrong.
    pub fn check(&self) -> Result<(), ReportError> {
        let fits = |name, fits: bool| {
            if fits {
                Ok(())
            } else {
                Err(ReportError::Malformed(name))
            }
        };
        fits("gate", is_name(&self.gate))?;
        fits("instance", is_name(&self.instance))?;
        fits("version", is_name(&self.version))?;
        fits("host", is_word(&self.host))?;
        fits("bound", (1..=3_600_000).contains(&self.bound))?;
        fits("beyond", self.beyond <= 24 * 3_600_000)?;
        let kinds = &self.credentials;
        fits(
            "credentials",
            kinds.len() <= KINDS_MOST && kinds.iter().all(|kind| is_word(kind)),
        )?;
        let made_at = self.policy.as_ref().and_then(|policy| policy.made_at);
        fits("policy", made_at.is_none_or(|at| at >= 0))?;
        match &self.table {
            Some(table) => table.check(),
            None => Ok(()),
        }
    }
}

impl RouteTable {
    fn check(&self) -> Result<(), ReportError> {
        let is_digest = |text: &str| {
            let fits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            text.len() == 64 && text.bytes().all(fits)
        };
        if !is_digest(&self.digest) {
            return Err(ReportError::Malformed("digest"));
        }
        if self
            .lock_digest
            .as_deref()
            .is_some_and(|text| !is_digest(text))
        {
            return Err(ReportError::Malformed("lock_digest"));
        }
        let routes = self.routes.as_deref().unwrap_or_default();
        let is_text = |text: &str| text.len() <= TEXT_LIMIT && !text.chars().any(char::is_control);
        let fits = |route: &RouteTold| {
            is_text(&route.methods) && is_text(&route.template) && is_text(&route.detail)
        };
        if routes.len() > ROUTES_MOST || !routes.iter().all(fits) {
            return Err(ReportError::Malformed("routes"));
        }
        Ok(())
    }
}

/// Puts `routes` in the order in which they are told where not all of them can be: first those that somebody should
/// look at.
pub fn worst_first(routes: &mut [RouteTold]) {
    routes.sort_by_key(|route| match route.coverage {
        Coverage::Open => 0,
        Coverage::Unresolved => 1,
        Coverage::Public => 2,
        Coverage::Unmarked => 3,
        Coverage::Gated => 4,
    });
}

/// The beginning of `text` that a report has room for, on one line.
pub fn clipped(text: &str) -> String {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = text.get(..end).unwrap_or_default();
    start
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    (1..=NAME_LIMIT).contains(&text.len()) && text.bytes().all(fits)
}

fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report() -> Report {
        Report {
            gate: "web-1".to_owned(),
            instance: "0123456789abcdef".to_owned(),
            version: "0.1.0".to_owned(),
            host: "asgi".to_owned(),
            policy: Some(PolicyTold {
                version: 3,
                made_at: Some(1),
            }),
            bound: 10_000,
            on_stale: WhenStale::Allow,
            beyond: 60_000,
            credentials: vec!["session".to_owned()],
            table: Some(RouteTable {
                digest: "0".repeat(64),
                lock_digest: None,
                agreement: Agreement::NoLockFile,
                differing: 0,
                counts: RouteCounts::default(),
                routes: Some(vec![RouteTold {
                    methods: "GET".to_owned(),
                    template: "/a/{id}".to_owned(),
                    docs: false,
                    coverage: Coverage::Gated,
                    detail: "user".to_owned(),
                }]),
            }),
        }
    }

    #[test]
    fn a_report_reads_as_it_was_written() {
        let text = serde_json::to_string(&report()).unwrap();
        let read: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(read, report());
        assert_eq!(read.check(), Ok(()));
    }

    #[test]
    fn what_is_out_of_form_is_refused_by_name() {
        let wrong = |change: fn(&mut Report)| {
            let mut report = report();
            change(&mut report);
            report.check()
        };
        let malformed = |name| Err(ReportError::Malformed(name));
        assert_eq!(wrong(|report| report.gate.clear()), malformed("gate"));
        assert_eq!(
            wrong(|report| report.gate = "a\nb".to_owned()),
            malformed("gate")
        );
        assert_eq!(
            wrong(|report| report.instance = "a".repeat(65)),
            malformed("instance")
        );
        assert_eq!(
            wrong(|report| report.host = "A".to_owned()),
            malformed("host")
        );
        assert_eq!(wrong(|report| report.bound = 0), malformed("bound"));
        assert_eq!(
            wrong(|report| report.credentials = vec!["a".to_owned(); 9]),
            malformed("credentials")
        );
        let table = |change: fn(&mut RouteTable)| {
            let mut report = report();
            change(report.table.as_mut().unwrap());
            report.check()
        };
        assert_eq!(
            table(|table| table.digest = "X".repeat(64)),
            malformed("digest")
        );
        assert_eq!(
            table(|table| table.lock_digest = Some("1".to_owned())),
            malformed("lock_digest")
        );
        assert_eq!(
            table(|table| {
                let routes = table.routes.as_mut().unwrap();
                let one = routes[0].clone();
                routes.resize(ROUTES_MOST + 1, one);
            }),
            malformed("routes")
        );
        assert_eq!(
            table(|table| table.routes.as_mut().unwrap()[0].template = "a".repeat(TEXT_LIMIT + 1)),
            malformed("routes")
        );
    }

    #[test]
    fn some_hundred_routes_have_room() {
        let mut report = report();
        let table = report.table.as_mut().unwrap();
        let route = RouteTold {
            methods: "DELETE,GET,PATCH,POST,PUT".to_owned(),
            template: "/organisations/{organisation}/projects/{project}/environments/{name}"
                .to_owned(),
            docs: false,
            coverage: Coverage::Unresolved,
            detail: "user with projects:write, projects:read and the role maintainer".to_owned(),
        };
        table.routes = Some(vec![route; 250]);
        assert!(serde_json::to_vec(&report).unwrap().len() < REPORT_LIMIT);
    }

    #[test]
    fn what_has_to_be_looked_at_is_told_first() {
        let route = |coverage| RouteTold {
            coverage,
            ..report().table.unwrap().routes.unwrap().remove(0)
        };
        let mut routes = vec![
            route(Coverage::Gated),
            route(Coverage::Public),
            route(Coverage::Unresolved),
            route(Coverage::Open),
        ];
        worst_first(&mut routes);
        let order: Vec<Coverage> = routes.iter().map(|route| route.coverage).collect();
        let expected = [
            Coverage::Open,
            Coverage::Unresolved,
            Coverage::Public,
            Coverage::Gated,
        ];
        assert_eq!(order, expected);
    }

    proptest! {
        #[test]
        fn what_is_clipped_fits(text in "\\PC{0,300}", control in any::<char>()) {
            let clipped = clipped(&format!("{text}{control}{text}"));
            prop_assert!(clipped.len() <= TEXT_LIMIT && !clipped.chars().any(char::is_control));
        }

        #[test]
        fn no_document_makes_the_reader_fail_otherwise_than_by_saying_so(text in "\\PC{0,300}") {
            if let Ok(report) = serde_json::from_str::<Report>(&text) {
                let _ = report.check();
            }
        }
    }
}
