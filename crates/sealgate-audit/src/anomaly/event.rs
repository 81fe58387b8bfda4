//! What the rules look at: one record, as the facts that it has.

use sealgate_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::rule::Source;

/// The longest value of a fact that is looked at, in bytes. Of a longer one the beginning counts.
pub const FACT_LIMIT: usize = 256;

/// A word that is no reason code.
const ACTOR_KIND: &str = "actor_kind";

/// A fact that a record may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// What was done: noun and verb.
    Action,
    /// `allowed` or `denied`.
    Outcome,
    /// Why, as a reason code.
    Reason,
    /// Who: as records name an actor.
    Actor,
    /// What kind of actor that is.
    ActorKind,
    /// The user it was about.
    User,
    /// The client it was about.
    Client,
    /// The session it was about.
    Session,
    /// What else it was about.
    Object,
    /// The network that the request came from, coarsely.
    Network,
    /// The gate that decided.
    Gate,
    /// The route, as its template.
    Route,
    /// The kind of credential.
    Credential,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Action,
        Self::Outcome,
        Self::Reason,
        Self::Actor,
        Self::ActorKind,
        Self::User,
        Self::Client,
        Self::Session,
        Self::Object,
        Self::Network,
        Self::Gate,
        Self::Route,
        Self::Credential,
    ];

    /// The word for it in rules, subjects and advice.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Outcome => "outcome",
            Self::Reason => "reason",
            Self::Actor => "actor",
            Self::ActorKind => ACTOR_KIND,
            Self::User => "user",
            Self::Client => "client",
            Self::Session => "session",
            Self::Object => "object",
            Self::Network => "network",
            Self::Gate => "gate",
            Self::Route => "route",
            Self::Credential => "credential",
        }
    }

    const fn place(self) -> usize {
        self as usize
    }
}

/// A record, as far as rules look at it. Facts that it lacks, and empty ones, are none.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// Where it comes from: never [`Source::State`].
    pub source: Source,
    /// When it was.
    pub at: Timestamp,
    /// Its number among those of its source; 0 if it has none.
    pub number: i64,
    /// How many it tells of.
    pub count: u32,
    facts: [Option<&'a str>; Fact::ALL.len()],
}

impl<'a> Event<'a> {
    /// A record without facts, which tells of one.
    pub const fn new(source: Source, at: Timestamp, number: i64) -> Self {
        Self {
            source,
            at,
            number,
            count: 1,
            facts: [None; Fact::ALL.len()],
        }
    }

    /// The same with a fact. More than [`FACT_LIMIT`] bytes of it are not looked at.
    #[must_use]
    pub fn with(mut self, fact: Fact, value: &'a str) -> Self {
        if let Some(place) = self.facts.get_mut(fact.place()) {
            *place = Some(clipped(value)).filter(|value| !value.is_empty());
        }
        self
    }

    /// The same, if there is a value.
    #[must_use]
    pub fn with_some(self, fact: Fact, value: Option<&'a str>) -> Self {
        match value {
            Some(value) => self.with(fact, value),
            None => self,
        }
    }

    /// What it has of a fact.
    pub fn fact(&self, fact: Fact) -> Option<&'a str> {
        self.facts.get(fact.place()).copied().flatten()
    }
}

fn clipped(value: &str) -> &str {
    let mut end = value.len().min(FACT_LIMIT);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_has_its_own_place_and_long_values_are_clipped() {
        let long = "ä".repeat(200);
        for fact in Fact::ALL {
            let event = Event::new(Source::Acts, Timestamp::from_millis(0), 1).with(fact, &long);
            let there: Vec<Fact> = Fact::ALL
                .into_iter()
                .filter(|fact| event.fact(*fact).is_some())
                .collect();
            assert_eq!(there, [fact]);
            assert_eq!(event.fact(fact).map(str::len), Some(FACT_LIMIT));
        }
        let event = Event::new(Source::Acts, Timestamp::from_millis(0), 1).with(Fact::User, "");
        assert_eq!(event.fact(Fact::User), None);
    }
}
