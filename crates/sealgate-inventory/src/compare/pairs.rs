//! Which route of one look is which of the other.

use std::collections::BTreeMap;

use crate::{Kind, Place, Route};

/// Routes by who saw them.
#[derive(Default)]
pub(super) struct Paired<'a> {
    /// What runs, and the same in the source.
    pub(super) both: Vec<(&'a Route, &'a Route)>,
    pub(super) only_live: Vec<&'a Route>,
    pub(super) only_source: Vec<&'a Route>,
}

/// Pairs routes of the same path and methods, then those of the same place: a prefix may not be known from the
/// source.
pub(super) fn pairs<'a>(live: &[&'a Route], source: &[&'a Route]) -> Paired<'a> {
    let mut paired = Paired {
        only_live: live.to_vec(),
        only_source: source.to_vec(),
        ..Paired::default()
    };
    paired.matched(|route| Some((shape(&route.path), methods(route))));
    paired.matched(|route| Some((place(route)?, methods(route))));
    paired
}

impl<'a> Paired<'a> {
    /// Pairs what is left by what `key` says of it, each with one, in order.
    fn matched<K: Ord>(&mut self, key: impl Fn(&Route) -> Option<K>) {
        let mut waiting: BTreeMap<K, Vec<&'a Route>> = BTreeMap::new();
        let mut rest = Vec::new();
        for route in self.only_source.drain(..).rev() {
            match key(route) {
                Some(key) => waiting.entry(key).or_default().push(route),
                None => rest.push(route),
            }
        }
        let lives = std::mem::take(&mut self.only_live);
        for route in lives {
            let found = key(route).and_then(|key| waiting.get_mut(&key)?.pop());
            match found {
                Some(other) => self.both.push((route, other)),
                None => self.only_live.push(route),
            }
        }
        self.only_source = waiting.into_values().flatten().chain(rest).collect();
        self.only_source.sort_by_key(|route| route.key());
    }
}

/// The path without the converters of its parameters: `/orders/{id}` for `/orders/{id:int}`.
fn shape(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        out.push('{');
        out.push_str(name);
        out.push('}');
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What it answers to. Where GET is answered HEAD may be told or not, by version and kind.
fn methods(route: &Route) -> Vec<String> {
    match route.kind {
        Kind::Websocket => vec!["WEBSOCKET".to_owned()],
        _ if route.methods.iter().any(|method| method == "GET") => {
            let methods = route.methods.iter();
            methods
                .filter(|method| *method != "HEAD")
                .cloned()
                .collect()
        }
        _ => route.methods.clone(),
    }
}

/// Where it is written: by file and line, or by the name of what serves it.
fn place(route: &Route) -> Option<(Option<Place>, Option<String>)> {
    match (&route.endpoint, route.place()) {
        (None, None) => None,
        (Some(endpoint), _) => Some((None, Some(endpoint.clone()))),
        (None, place) => Some((place, None)),
    }
}
