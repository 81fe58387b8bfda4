//! What a mapping must not say, beyond its form.

use std::collections::BTreeSet;

use sealgate_model::ClaimValue;

use super::Mapping;
use super::condition::Pattern;
use super::limits::{GIVEN_ALTOGETHER_MOST, GIVEN_MOST, PATHS_MOST, RULES_MOST};
use super::read::{At, Read};
use super::rule::{Counts, Give, Rule, Whose};

/// Checks a mapping that has its form.
pub(super) fn check(mapping: &Mapping) -> Read<()> {
    let top = At::top().name("mapping");
    if mapping.rules().len() > RULES_MOST {
        return Err(top.too_many("rules", RULES_MOST));
    }
    let mut paths = BTreeSet::new();
    for (number, rule) in mapping.rules().iter().enumerate() {
        let at = top.number(number);
        check_rule(rule, &at)?;
        check_kind(mapping, rule, &at)?;
        paths.extend(rule.when.claims().map(|(path, _)| path));
    }
    if paths.len() > PATHS_MOST {
        return Err(top.too_many("different claims", PATHS_MOST));
    }
    if mapping.roles().len() > GIVEN_ALTOGETHER_MOST {
        return Err(top.too_many("different roles", GIVEN_ALTOGETHER_MOST));
    }
    if mapping.scopes().len() > GIVEN_ALTOGETHER_MOST {
        return Err(top.too_many("different scopes", GIVEN_ALTOGETHER_MOST));
    }
    Ok(())
}

fn check_rule(rule: &Rule, at: &At) -> Read<()> {
    let (when, give) = (&rule.when, &rule.give);
    if when.issuer.is_empty() {
        return Err(at.name("when").wrong(
            "say whose credentials this is about: issuer = \"own\" for those of the control plane, a URL, or \
             \"*\" for every issuer that gates believe",
        ));
    }
    if when.pins_nothing() && !rule.everybody {
        return Err(at.error(
            "mapping_everybody",
            "this fits everybody of every issuer: ask for more, or say everybody = true",
        ));
    }
    if rule.everybody && !when.pins_nothing() {
        return Err(at.name("everybody").wrong("this does not fit everybody"));
    }
    for (name, patterns) in [("client", &when.client), ("tenant", &when.tenant)] {
        if patterns.iter().any(Pattern::is_any) {
            let at = at.name("when").name(name);
            return Err(at.wrong("`*` alone asks for nothing here: name some, or leave it out"));
        }
        if patterns.iter().any(ends_in_a_host) {
            let at = at.name("when").name(name);
            return Err(at.wrong(
                "this fits other hosts too, such as one that goes on behind it: end it after the host's slash",
            ));
        }
        let is_text = |pattern: &Pattern| !matches!(pattern, Pattern::Whole(value) if !matches!(value, ClaimValue::Text(_)));
        if !patterns.iter().all(is_text) {
            return Err(at.name("when").name(name).wrong("this is a text"));
        }
    }
    for (name, condition) in [("scope", &when.scope), ("role", &when.role)] {
        if !condition.is.is_empty() {
            let at = at.name("when").name(name).name("is");
            return Err(at.wrong("these are lists: use any, all or has"));
        }
    }
    if *give == Give::default() {
        return Err(at
            .name("give")
            .wrong("say what it gives: roles, scopes or actor"));
    }
    for (name, given) in [("roles", &give.roles), ("scopes", &give.scopes)] {
        if given.len() > GIVEN_MOST {
            return Err(at.name("give").name(name).too_many(name, GIVEN_MOST));
        }
    }
    Ok(())
}

/// Whether it is the beginning of a URL that leaves the host open: `https://app.example*` is also
/// `https://app.example.attacker.test/`.
fn ends_in_a_host(pattern: &Pattern) -> bool {
    let Pattern::Prefix(prefix) = pattern else {
        return false;
    };
    prefix
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.contains('/'))
}

/// The kind of actor must not depend on what a credential may leave out: one that says less would be of the other
/// kind. Only where rules alone say the kind does leaving it out give nothing.
fn check_kind(mapping: &Mapping, rule: &Rule, at: &At) -> Read<()> {
    if rule.give.actor.is_none() {
        return Ok(());
    }
    let at = at.name("give").name("actor");
    if rule.when.issuer.contains(&Whose::Anybody) {
        return Err(at.wrong("name the issuer whose actors these are"));
    }
    let is_mapped = |whose: &Whose| {
        let says = mapping.of().get(whose);
        says.is_some_and(|says| says.actor == Some(Counts::Mapped))
    };
    match rule.when.issuer.iter().find(|whose| !is_mapped(whose)) {
        Some(whose) if rule.when.asks_for_claims() => Err(at.wrong(format!(
            "a credential that leaves out what is asked for here would be of another kind: ask for issuer, client \
             and actor alone, or say [mapping_of.\"{whose}\"] actor = \"mapped\"",
        ))),
        _ => Ok(()),
    }
}
