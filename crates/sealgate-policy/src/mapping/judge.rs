//! What a mapping makes of a credential, and why.

use std::collections::BTreeSet;

use sealgate_model::ActorKind;
use thiserror::Error;

use super::Mapping;
use super::condition::{Claim, Condition, Pattern};
use super::path::ClaimPath;
use super::rule::{Counts, IssuerSays, Rule, When, Whose};
use super::told::{Shown, Told};

/// What counts of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The kind of actor.
    pub kind: ActorKind,
    /// Roles: those told that count, in their order, and then those given, sorted. Each once.
    pub roles: Vec<String>,
    /// Scopes, in the same order.
    pub scopes: Vec<String>,
}

/// Why a credential is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Rules say that it is of two kinds, or of one that it cannot be.
    #[error("rules give the actor kinds that contradict each other or the credential")]
    Contradictory,
    /// Only rules say what kind of actor it is, and none does.
    #[error("no rule says what kind of actor this is")]
    Unmapped,
}

impl Refusal {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Contradictory => "actor_contradictory",
            Self::Unmapped => "actor_unmapped",
        }
    }
}

/// What counts of an issuer's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Of roles.
    pub roles: Counts,
    /// Of scopes.
    pub scopes: Counts,
    /// Of the kind of actor.
    pub actor: Counts,
}

/// Which condition of a rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    /// The issuer is another one.
    Issuer,
    /// The client is another one.
    Client,
    /// The organisation is another one, or none is told.
    Tenant,
    /// The kind of actor is another one.
    Actor,
    /// The claim `groups`.
    Group,
    /// The scopes told.
    Scope,
    /// The roles told.
    Role,
    /// Another claim.
    Claim(ClaimPath),
}

/// What one rule says of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSaid<'a> {
    /// Its place, counted from 1.
    pub number: usize,
    /// The rule.
    pub rule: &'a Rule,
    /// Why it does not fit; nothing where it does.
    pub missed: Option<Missed>,
    /// Whether its scopes count, if it fits.
    pub scopes_count: bool,
}

/// What a mapping makes of a credential, rule by rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// What counts of the issuer's own words.
    pub counted: Counted,
    /// Every rule, in the order of the file.
    pub rules: Vec<RuleSaid<'a>>,
    /// What comes out.
    pub outcome: Result<Outcome, Refusal>,
}

impl Mapping {
    /// What counts of a credential: the same for the same credential wherever it is judged.
    ///
    /// # Errors
    /// [`Refusal`], where it cannot be said what kind of actor it is.
    pub fn judge(&self, told: &Told<'_>) -> Result<Outcome, Refusal> {
        let fitting = self
            .rules()
            .iter()
            .filter(|rule| rule.when.missed(told).is_none());
        self.outcome(told, fitting)
    }

    /// The same, and what each rule says.
    pub fn explain<'a>(&'a self, told: &Told<'_>) -> Explanation<'a> {
        let counted = self.counted(told);
        let outcome = self.judge(told);
        let kind = outcome.as_ref().map(|outcome| outcome.kind).ok();
        let rules = self
            .rules()
            .iter()
            .enumerate()
            .map(|(index, rule)| RuleSaid {
                number: index + 1,
                missed: rule.when.missed(told),
                scopes_count: kind.is_some_and(|kind| scopes_count(rule, told, kind, counted)),
                rule,
            });
        Explanation {
            counted,
            rules: rules.collect(),
            outcome,
        }
    }

    fn outcome<'a>(
        &self,
        told: &Told<'_>,
        fitting: impl Iterator<Item = &'a Rule>,
    ) -> Result<Outcome, Refusal> {
        let counted = self.counted(told);
        let fitting: Vec<&Rule> = fitting.collect();
        let kinds: BTreeSet<ActorKind> =
            fitting.iter().filter_map(|rule| rule.give.actor).collect();
        let mut kinds = kinds.into_iter();
        let kind = match (kinds.next(), kinds.next(), counted.actor) {
            (Some(given), None, _) => turned(told, given)?,
            (None, _, Counts::Told) => told.kind,
            (None, _, Counts::Mapped) => return Err(Refusal::Unmapped),
            (Some(_), Some(_), _) => return Err(Refusal::Contradictory),
        };
        let roles = fitting.iter().flat_map(|rule| &rule.give.roles);
        let scopes = fitting
            .iter()
            .filter(|rule| scopes_count(rule, told, kind, counted));
        let scopes = scopes.flat_map(|rule| &rule.give.scopes);
        Ok(Outcome {
            kind,
            roles: together(counted.roles, told.roles, roles),
            scopes: together(counted.scopes, told.scopes, scopes),
        })
    }

    /// What counts of the own words of whoever issued a credential.
    fn counted(&self, told: &Told<'_>) -> Counted {
        let by_name = self.of().get(&Whose::Issuer(told.issuer.to_owned()));
        let own = told.own.then(|| self.of().get(&Whose::Own)).flatten();
        let said = |what: fn(&IssuerSays) -> Option<Counts>| {
            let mut said = by_name.into_iter().chain(own).filter_map(what).peekable();
            said.peek()?;
            // Where both are said, the one that believes less counts.
            let mapped = said.any(|counts| counts == Counts::Mapped);
            Some(if mapped { Counts::Mapped } else { Counts::Told })
        };
        let usual = if !told.own && self.named.contains(told.issuer) {
            Counts::Mapped
        } else {
            Counts::Told
        };
        Counted {
            roles: said(|says| says.roles).unwrap_or(usual),
            scopes: said(|says| says.scopes).unwrap_or(usual),
            actor: said(|says| says.actor).unwrap_or(Counts::Told),
        }
    }
}

impl When {
    /// The first condition that does not hold of a credential; nothing where all hold.
    fn missed(&self, told: &Told<'_>) -> Option<Missed> {
        let one_of = |patterns: &[Pattern], text: Option<&str>| {
            patterns.is_empty() || Condition::any(patterns.to_vec()).fits(text.map(Claim::Text))
        };
        if !self
            .issuer
            .iter()
            .any(|from| from.covers(told.issuer, told.own))
        {
            return Some(Missed::Issuer);
        }
        if !self.actor.is_empty() && !self.actor.contains(&told.kind) {
            return Some(Missed::Actor);
        }
        if !one_of(&self.client, Some(told.client)) {
            return Some(Missed::Client);
        }
        if !one_of(&self.tenant, told.tenant) {
            return Some(Missed::Tenant);
        }
        let texts = |condition: &Condition, texts: &[String]| {
            let list = (!texts.is_empty()).then_some(Claim::Texts(texts));
            condition.fits(list)
        };
        if !texts(&self.scope, told.scopes) {
            return Some(Missed::Scope);
        }
        if !texts(&self.role, told.roles) {
            return Some(Missed::Role);
        }
        if !self.group.is_empty() && !self.group.fits(told.claims.claim(&ClaimPath::groups())) {
            return Some(Missed::Group);
        }
        let mut claims = self.claim.iter();
        let missed = claims.find(|(path, condition)| !condition.fits(told.claims.claim(path)));
        missed.map(|(path, _)| Missed::Claim(path.clone()))
    }
}

/// Whether the scopes of a rule that fits count, for an actor of `kind`.
///
/// The scopes of a token are what somebody consented to. Where a user is in it, a rule gives more only to whoever
/// was granted a scope that the rule asks for: an agent that may read notes for a user does not get what the
/// user's group may do. A machine's own token is bounded in the same way, unless its issuer's scopes are not
/// believed at all. In a session the user is at the application itself, and nobody acts for them.
fn scopes_count(rule: &Rule, told: &Told<'_>, kind: ActorKind, counted: Counted) -> bool {
    match told.shown {
        Shown::Session => true,
        Shown::Token => {
            let for_user = told.has_user && kind != ActorKind::Machine;
            rule.translates() || !for_user && counted.scopes == Counts::Mapped
        }
    }
}

/// The kind that a rule gives, if the credential can be of it.
fn turned(told: &Told<'_>, given: ActorKind) -> Result<ActorKind, Refusal> {
    let can_be = match (told.kind, given) {
        (told, given) if told == given => true,
        // A browser is signed in to by people. And nobody is taken for a human whom the issuer does not call one.
        _ if told.shown == Shown::Session => false,
        (_, ActorKind::User) => false,
        // Whoever acts for a user does so under any name.
        (ActorKind::Agent, _) => !told.has_user,
        _ => true,
    };
    if can_be {
        Ok(given)
    } else {
        Err(Refusal::Contradictory)
    }
}

/// What is told, if it counts, and what is given, each once.
fn together<'a>(
    counts: Counts,
    told: &[String],
    given: impl Iterator<Item = &'a String>,
) -> Vec<String> {
    let mut all: Vec<String> = match counts {
        Counts::Told => told.to_vec(),
        Counts::Mapped => Vec::new(),
    };
    let given: BTreeSet<&String> = given.collect();
    let new: Vec<String> = given
        .into_iter()
        .filter(|name| !all.contains(name))
        .cloned()
        .collect();
    all.extend(new);
    all
}
