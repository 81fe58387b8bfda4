//! The nearest neighbour of a route that a gate stands before: what to copy.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::{Inventory, Route, Sibling};

/// How many neighbours on either side are looked at. In order of their paths, the nearest ones are together.
const AROUND: usize = 32;

/// The gated routes of an inventory, ready to be asked for neighbours.
pub struct Neighbours<'a> {
    /// Of each application, by the parts of their paths.
    gated: BTreeMap<&'a str, Vec<(Vec<&'a str>, &'a Route)>>,
}

impl<'a> Neighbours<'a> {
    /// Those of an inventory.
    pub fn of(inventory: &'a Inventory) -> Self {
        let mut gated: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for route in &inventory.routes {
            if route.evidence.is_gated() {
                let routes = gated.entry(&route.app).or_default();
                routes.push((parts(&route.path), route));
            }
        }
        for routes in gated.values_mut() {
            routes.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Self { gated }
    }

    /// The gated route of the same application that is nearest: with the most of the path in common, and then in
    /// the same file and there closest. None if none shares either.
    pub fn nearest(&self, route: &Route) -> Option<Sibling> {
        let gated = self.gated.get(route.app.as_str())?;
        let own = parts(&route.path);
        let at = gated.partition_point(|(other, _)| *other < own);
        let around = at.saturating_sub(AROUND)..gated.len().min(at + AROUND);
        let near = gated.get(around).unwrap_or_default().iter();
        let near = near
            .map(|(other, neighbour)| (shared(&own, other), *neighbour))
            .filter(|(shared, neighbour)| *shared > 0 && !is_same(route, neighbour))
            .min_by_key(|(shared, neighbour)| (Reverse(*shared), apart(route, neighbour)))
            .map(|(_, neighbour)| neighbour);
        let in_file = || {
            let neighbours = gated.iter().map(|(_, neighbour)| *neighbour);
            neighbours
                .filter(|other| other.file.is_some() && other.file == route.file)
                .filter(|other| !is_same(route, other))
                .min_by_key(|other| apart(route, other))
        };
        let nearest = near.or_else(in_file)?;
        Some(Sibling {
            route: nearest.key(),
            place: nearest.place(),
            gates: nearest.gates.iter().map(|gate| gate.name.clone()).collect(),
        })
    }
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

fn shared(one: &[&str], other: &[&str]) -> usize {
    let pairs = one.iter().zip(other);
    pairs.take_while(|(one, other)| one == other).count()
}

fn is_same(one: &Route, other: &Route) -> bool {
    (&one.path, &one.methods) == (&other.path, &other.methods)
}

/// How many lines lie between two routes; more than any in another file.
fn apart(one: &Route, other: &Route) -> u32 {
    match (one.line, other.line) {
        (Some(line), Some(other_line)) if one.file.is_some() && one.file == other.file => {
            line.abs_diff(other_line)
        }
        _ => u32::MAX,
    }
}
