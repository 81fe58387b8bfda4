//! What an inventory says of each way in, after what people declared, and once for each: what a lock file is
//! written from and compared with.

use std::collections::BTreeSet;

use crate::{Config, Evidence, Inventory, Lens, Methods, Risk, Route, Strength};
use crate::{config::PublicEntry, risk};

/// What is known of one way in.
#[derive(Clone, Debug)]
pub(crate) struct Fact<'a> {
    /// The route.
    pub(crate) route: &'a Route,
    /// Its methods.
    pub(crate) methods: Methods,
    /// What is known, where a declaration of the configuration counts for what is open or unresolved.
    pub(crate) evidence: Evidence,
    /// Why it is public, unresolved or open. Never blank.
    pub(crate) reason: Option<&'a str>,
    /// The gates, if it is gated.
    pub(crate) gates: BTreeSet<&'a str>,
    /// What somebody could do with it.
    pub(crate) risk: Vec<Risk>,
    /// What the configuration says of it.
    pub(crate) declared: Option<&'a PublicEntry>,
}

impl<'a> Fact<'a> {
    fn of(route: &'a Route, config: &'a Config) -> Self {
        let declared = config.public_entry(route);
        let (evidence, reason) = match (route.evidence, declared) {
            (Evidence::Open | Evidence::Unresolved, Some(entry)) => {
                (Evidence::Public, Some(entry.reason.as_str()))
            }
            (Evidence::Public, declared) => {
                let own = route.reason.as_deref().filter(|own| !own.trim().is_empty());
                (
                    Evidence::Public,
                    own.or(declared.map(|entry| entry.reason.as_str())),
                )
            }
            (evidence, _) => (evidence, route.reason.as_deref()),
        };
        let gates = route.gates.iter().map(|gate| gate.name.as_str());
        Self {
            route,
            methods: Methods::of(route),
            evidence,
            reason: reason.filter(|reason| !reason.trim().is_empty()),
            gates: gates.filter(|_| evidence.is_gated()).collect(),
            risk: if route.risk.is_empty() {
                risk::of(route)
            } else {
                let each: BTreeSet<Risk> = route.risk.iter().copied().collect();
                each.into_iter().collect()
            },
            declared,
        }
    }

    /// What all of its gates together ask for.
    pub(crate) fn strength(&self) -> Strength {
        if self.evidence.is_gated() {
            self.route.strength.clone()
        } else {
            Strength::default()
        }
    }

    /// What makes it this way in.
    pub(crate) fn key(&self) -> (&'a str, &'a str, &Methods) {
        (&self.route.app, &self.route.path, &self.methods)
    }

    /// Whether its path is not fully known, so that another way of looking calls it by another.
    pub(crate) fn is_at_unknown_path(&self) -> bool {
        self.route.path.contains('<')
    }

    fn weight(&self) -> (Evidence, crate::Level, usize, usize) {
        let strength = &self.route.strength;
        let asked = strength.scopes.len() + strength.roles.len();
        let asked = asked + strength.any_of.len() + strength.more.len();
        (self.evidence, strength.level, asked, self.gates.len())
    }
}

/// All ways in, in order. Where an application has one twice, as it does when one handler hides another or a
/// condition chooses between two, the weaker one counts.
pub(crate) fn of<'a>(inventory: &'a Inventory, config: &'a Config) -> Vec<Fact<'a>> {
    let mut facts: Vec<Fact<'a>> = inventory
        .routes
        .iter()
        .filter(|route| config.wants_app(&route.app))
        .map(|route| Fact::of(route, config))
        .collect();
    facts.sort_by(|a, b| (a.key(), a.weight()).cmp(&(b.key(), b.weight())));
    facts.dedup_by(|later, first| later.key() == first.key());
    facts
}

/// Those at one path, of all [`of`] gave.
pub(crate) fn at<'f, 'a>(facts: &'f [Fact<'a>], app: &str, path: &str) -> &'f [Fact<'a>] {
    let place = |fact: &Fact<'_>| {
        let here = (fact.route.app.as_str(), fact.route.path.as_str());
        here.cmp(&(app, path))
    };
    let from = facts.partition_point(|fact| place(fact).is_lt());
    let facts = facts.get(from..).unwrap_or_default();
    let length = facts.partition_point(|fact| place(fact).is_eq());
    facts.get(..length).unwrap_or_default()
}

/// How much a way of looking can tell.
pub(crate) fn rank(lens: Lens) -> u8 {
    match lens {
        Lens::Scan => 0,
        Lens::Inspect => 1,
        Lens::Probe => 2,
    }
}

/// The best evidence that a way of looking can have.
pub(crate) fn best(lens: Lens) -> Evidence {
    match lens {
        Lens::Scan => Evidence::GatedStatic,
        Lens::Inspect => Evidence::Gated,
        Lens::Probe => Evidence::Denied,
    }
}
