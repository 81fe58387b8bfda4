//! What `sealgate policy map` says.

use sealgate_model::ActorKind;
use sealgate_policy::mapping::{Counts, Explanation, Missed, RuleSaid};
use serde::Serialize;

use super::Says;
use crate::output::{self, Text};
use crate::screen::clean;

/// What comes out.
#[derive(Serialize)]
pub(super) struct Mapped {
    /// The version that the control plane hands out; none for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    told: ToldView,
    /// What counts of the issuer's own words.
    counts: CountsView,
    rules: Vec<RuleView>,
    /// Why the credential is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeView>,
}

#[derive(Serialize)]
struct ToldView {
    issuer: String,
    own: bool,
    credential: &'static str,
    actor: &'static str,
    client: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    roles: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Serialize)]
struct CountsView {
    roles: &'static str,
    scopes: &'static str,
    actor: &'static str,
}

#[derive(Serialize)]
struct RuleView {
    number: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    fits: bool,
    /// The condition that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<String>,
    roles: Vec<String>,
    scopes: Vec<String>,
    /// Whether its scopes count: the token was granted what they stand for.
    scopes_count: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'static str>,
}

#[derive(Serialize)]
struct OutcomeView {
    actor: &'static str,
    roles: Vec<Given>,
    scopes: Vec<Given>,
}

/// A role or scope that counts, and why.
#[derive(Serialize)]
struct Given {
    name: String,
    /// Whether the issuer told it.
    told: bool,
    /// The rules that give it, counted from 1.
    rules: Vec<usize>,
}

pub(super) fn mapped(
    version: Option<u64>,
    session: bool,
    told: Says,
    explained: &Explanation<'_>,
) -> Mapped {
    let counted = explained.counted;
    let outcome = explained.outcome.as_ref().ok().map(|outcome| {
        let fits = |said: &&RuleSaid<'_>| said.missed.is_none();
        let fitting: Vec<_> = explained.rules.iter().filter(fits).collect();
        let roles = outcome.roles.iter().map(|name| Given {
            told: counted.roles == Counts::Told && told.roles.contains(name),
            rules: by(&fitting, |said| said.rule.give.roles.contains(name)),
            name: name.clone(),
        });
        let scopes = outcome.scopes.iter().map(|name| Given {
            told: counted.scopes == Counts::Told && told.scopes.contains(name),
            rules: by(&fitting, |said| {
                said.scopes_count && said.rule.give.scopes.contains(name)
            }),
            name: name.clone(),
        });
        OutcomeView {
            actor: outcome.kind.as_str(),
            roles: roles.collect(),
            scopes: scopes.collect(),
        }
    });
    Mapped {
        version,
        counts: CountsView {
            roles: counted.roles.as_str(),
            scopes: counted.scopes.as_str(),
            actor: counted.actor.as_str(),
        },
        rules: explained.rules.iter().map(rule).collect(),
        refused: explained
            .outcome
            .as_ref()
            .err()
            .map(|refusal| refusal.code()),
        outcome,
        told: ToldView {
            issuer: told.issuer,
            own: told.own,
            credential: if session { "session" } else { "token" },
            actor: told.kind.as_str(),
            client: told.client,
            tenant: told.tenant,
            roles: told.roles,
            scopes: told.scopes,
        },
    }
}

fn by(fitting: &[&RuleSaid<'_>], gives: impl Fn(&RuleSaid<'_>) -> bool) -> Vec<usize> {
    let giving = fitting.iter().filter(|said| gives(said));
    giving.map(|said| said.number).collect()
}

fn rule(said: &RuleSaid<'_>) -> RuleView {
    let give = &said.rule.give;
    RuleView {
        number: said.number,
        name: said.rule.name.clone(),
        fits: said.missed.is_none(),
        missed: said.missed.as_ref().map(missed),
        roles: give.roles.clone(),
        scopes: give.scopes.clone(),
        scopes_count: said.missed.is_none() && said.scopes_count && !give.scopes.is_empty(),
        actor: give.actor.map(ActorKind::as_str),
    }
}

fn missed(missed: &Missed) -> String {
    match missed {
        Missed::Issuer => "issuer".to_owned(),
        Missed::Client => "client".to_owned(),
        Missed::Tenant => "tenant".to_owned(),
        Missed::Actor => "actor".to_owned(),
        Missed::Group => "group".to_owned(),
        Missed::Scope => "scope".to_owned(),
        Missed::Role => "role".to_owned(),
        Missed::Claim(path) => format!("claim {path}"),
    }
}

pub(super) fn text(mapped: &Mapped, hint: bool) -> Text {
    let rows: Vec<_> = mapped.rules.iter().map(row).collect();
    let mut text = output::table(
        ["RULE", "NAME", "FITS", "GIVES"],
        &rows,
        "There are no rules.",
    );
    let fields = match &mapped.outcome {
        Some(outcome) => output::fields(&[
            ("Actor", outcome.actor.to_owned()),
            ("Roles", given(&outcome.roles)),
            ("Scopes", given(&outcome.scopes)),
        ]),
        None => output::fields(&[("Refused", mapped.refused.unwrap_or_default().to_owned())]),
    };
    text.data = format!("{}\n{}", fields.data, text.data);
    if hint {
        text.talk.push_str("The issuer is taken for a further one: say --own if it is the control plane that gates follow.\n");
    }
    text
}

fn given(all: &[Given]) -> String {
    let one = |given: &Given| {
        let told = given.told.then(|| "told".to_owned());
        let rules = given.rules.iter().map(|number| format!("rule {number}"));
        let why: Vec<_> = told.into_iter().chain(rules).collect();
        format!("{} ({})", clean(&given.name), why.join(", "))
    };
    if all.is_empty() {
        return "none".to_owned();
    }
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn row(rule: &RuleView) -> [String; 4] {
    let fits = match &rule.missed {
        None => "yes".to_owned(),
        Some(missed) => format!("no: {}", clean(missed)),
    };
    let mut gives = Vec::new();
    if !rule.roles.is_empty() {
        gives.push(format!("roles {}", clean(&rule.roles.join(" "))));
    }
    if !rule.scopes.is_empty() {
        let counts = if rule.fits && !rule.scopes_count {
            " (not granted to the token)"
        } else {
            ""
        };
        gives.push(format!("scopes {}{counts}", clean(&rule.scopes.join(" "))));
    }
    gives.extend(rule.actor.map(|actor| format!("actor {actor}")));
    [
        rule.number.to_string(),
        rule.name
            .as_deref()
            .map(clean)
            .unwrap_or_default()
            .into_owned(),
        fits,
        gives.join("; "),
    ]
}
