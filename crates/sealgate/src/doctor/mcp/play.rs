//! One client, played against what was seen: step by step until it would fail, or has all it needs to
//! send its user to sign in.

mod discovery;
mod registration;

use serde::Serialize;

use super::facts::Facts;
use super::rules::{Client, Rule};

use discovery::Door;
pub(super) use discovery::{first_server, has, is_loopback, is_private, server_places};
pub(super) use registration::{allowed, would_register};

/// How a client would fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    /// It gets as far as can be seen from outside.
    Works,
    /// It depends on a registration that was not tried.
    Maybe,
    /// It gets there only with the help of a person.
    Asks,
    /// It runs in a browser, and the server is closed to pages of other origins, which may be meant.
    Closed,
    /// It would fail.
    Fails,
}

/// Something the client does, and what comes of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    pub(super) step: &'static str,
    pub(super) detail: String,
}

/// Where and why a client would fail.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Failing {
    pub(super) step: &'static str,
    pub(super) because: String,
    pub(super) fix: String,
    /// Who says that the client does so; none if it is what the specification says.
    pub(super) source: Option<&'static str>,
}

/// Something to know that cannot be seen from outside.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Note {
    pub(super) note: &'static str,
    pub(super) source: &'static str,
}

/// One client's way.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Played {
    pub(super) client: &'static str,
    pub(super) title: &'static str,
    pub(super) fate: Fate,
    /// Whether it asks from its vendor's machines, which cannot reach the address.
    pub(super) out_of_reach: bool,
    pub(super) steps: Vec<Step>,
    pub(super) failing: Option<Failing>,
    /// The rules that nobody has published, for which the specification was taken.
    pub(super) assumed: Vec<&'static str>,
    pub(super) notes: Vec<Note>,
}

/// What has been done so far.
pub(super) struct Play<'a> {
    pub(super) facts: &'a Facts,
    pub(super) client: &'a Client,
    /// Whether the resource has no metadata, and something else was taken for its server.
    legacy: bool,
    steps: Vec<Step>,
}

impl Play<'_> {
    fn did(&mut self, step: &'static str, detail: impl Into<String>) {
        let detail = detail.into();
        self.steps.push(Step { step, detail });
    }
}

fn fails<T>(
    step: &'static str,
    source: Option<&'static str>,
    because: impl Into<String>,
    fix: impl Into<String>,
) -> Result<T, Failing> {
    let (because, fix) = (because.into(), fix.into());
    Err(Failing {
        step,
        because,
        fix,
        source,
    })
}

/// Plays `client`.
pub(super) fn play(client: &'static Client, facts: &Facts) -> Played {
    let mut play = Play {
        facts,
        client,
        legacy: false,
        steps: Vec::new(),
    };
    let outcome = walk(&mut play);
    let (fate, failing) = match outcome {
        Ok(fate) => (fate, None),
        Err(failing) if failing.source.is_some() && failing.source == client.browser => {
            (Fate::Closed, Some(failing))
        }
        Err(failing) => (Fate::Fails, Some(failing)),
    };
    let notes = client.notes.iter();
    Played {
        client: client.name,
        title: client.title,
        fate,
        out_of_reach: client.hosted && is_private(&facts.url),
        steps: play.steps,
        failing,
        assumed: assumed(client),
        notes: notes.map(|(note, source)| Note { note, source }).collect(),
    }
}

fn walk(play: &mut Play<'_>) -> Result<Fate, Failing> {
    let told = match play.challenge()? {
        Door::Open => return Ok(Fate::Works),
        Door::Closed(told) => told,
    };
    let issuer = play.resource(told.as_deref())?;
    let server = play.server(&issuer)?;
    play.register(&server)
}

/// The rules of a client that are guesses.
fn assumed(client: &Client) -> Vec<&'static str> {
    fn guess<T>(rule: &Rule<T>, name: &'static str) -> Option<&'static str> {
        rule.source.is_none().then_some(name)
    }
    let rules = [
        guess(&client.places, "places of the resource's metadata"),
        guess(&client.matching, "match of the resource"),
        guess(&client.instead, "resources without metadata"),
        guess(&client.forms, "places of the server's metadata"),
        guess(&client.error_ends, "errors on the way"),
        guess(&client.issuer_equal, "equality of the issuer"),
        guess(&client.pkce, "PKCE in the metadata"),
        guess(&client.response_types, "response types in the metadata"),
    ];
    let ways = client.ways.iter();
    let ways = ways.filter_map(|way| guess(way, "registration"));
    rules.into_iter().flatten().chain(ways).collect()
}
