//! Brings together what was seen and what people wrote.

use std::collections::BTreeMap;

use super::{Class, Entry, LockFile};
use crate::facts::{self, Fact, rank};
use crate::{Config, Evidence, Inventory, Kind, Lens, Methods};

/// The lock file for what was seen, keeping what people wrote into the previous one.
pub fn renew(inventory: &Inventory, previous: Option<&LockFile>, config: &Config) -> LockFile {
    let facts = facts::of(inventory, config);
    let Some(previous) = previous else {
        let entries = facts.iter().map(first).collect();
        return LockFile::new(inventory.lens, entries);
    };
    let weaker = rank(inventory.lens) < rank(previous.lens);
    let entries = previous.entries.iter();
    let unseen: Vec<&Entry> = entries.filter(|entry| !is_seen(entry, &facts)).collect();
    let moved = moves(previous, &facts, &unseen);
    let mut entries = Vec::new();
    for (at, fact) in facts.iter().enumerate() {
        entries.push(match before(previous, fact) {
            Some(Before::Whole(entry)) => renewed(fact, entry, weaker),
            Some(Before::Part(entry)) => inherited(fact, entry),
            None => match moved.get(&at) {
                Some(entry) if weaker && fact.is_at_unknown_path() => Entry {
                    path: entry.path.clone(),
                    ..renewed(fact, entry, weaker)
                },
                Some(entry) => inherited(fact, entry),
                None => first(fact),
            },
        });
    }
    // A way of looking that tells less than the one the entries come from proves nothing about those that it did
    // not see; nor does one that was pointed at another application.
    let elsewhere = |app: &str| {
        inventory.lens != Lens::Scan
            && !inventory.apps.iter().any(|seen| seen.name == app)
            && !inventory.routes.iter().any(|route| route.app == app)
    };
    for entry in unseen {
        let has_moved = moved.values().any(|moved| std::ptr::eq(*moved, entry));
        if !has_moved && (weaker || elsewhere(&entry.app)) {
            entries.push(entry.clone());
        }
    }
    let lens = if weaker {
        previous.lens
    } else {
        inventory.lens
    };
    LockFile::new(lens, entries).with_file(previous.file.clone())
}

/// The same for some applications alone, where the others were not looked at: what was reviewed of those stays.
pub fn renew_only(
    inventory: &Inventory,
    previous: Option<&LockFile>,
    config: &Config,
    wanted: impl Fn(&str) -> bool,
) -> LockFile {
    let mine = previous.map(|previous| previous.clone().only(&wanted));
    let renewed = renew(inventory, mine.as_ref(), config);
    let others = previous.into_iter().flat_map(|previous| &previous.entries);
    let others = others.filter(|entry| !wanted(&entry.app)).cloned();
    let entries = renewed.entries.into_iter().chain(others).collect();
    LockFile::new(renewed.lens, entries).with_file(renewed.file)
}

/// The entries of a renewed file of which nothing was seen, and which stay: a way of looking that tells less undoes
/// nothing.
pub fn kept<'a>(renewed: &'a LockFile, inventory: &Inventory, config: &Config) -> Vec<&'a Entry> {
    let facts = facts::of(inventory, config);
    let entries = renewed.entries.iter();
    entries.filter(|entry| !is_seen(entry, &facts)).collect()
}

/// What an entry from before says of a route.
enum Before<'a> {
    /// It is about all its methods.
    Whole(&'a Entry),
    /// It is about one of its methods at least, and not about all.
    Part(&'a Entry),
}

fn before<'a>(previous: &'a LockFile, fact: &Fact<'_>) -> Option<Before<'a>> {
    let entries = previous.at(&fact.route.app, &fact.route.path);
    let exact = entries.iter().find(|entry| entry.methods == fact.methods);
    let whole = || {
        entries
            .iter()
            .find(|entry| entry.methods.cover_all(&fact.methods))
    };
    if let Some(entry) = exact.or_else(whole) {
        return Some(Before::Whole(entry));
    }
    let shares = |entry: &&Entry| {
        let each = fact.methods.each();
        each.into_iter().any(|method| entry.methods.cover(method))
            || fact.methods.cover_all(&entry.methods)
    };
    entries.iter().find(shares).map(Before::Part)
}

/// An entry that nobody wrote anything into.
fn first(fact: &Fact<'_>) -> Entry {
    let public = fact.evidence == Evidence::Public && fact.reason.is_some();
    let class = if fact.evidence.is_gated() {
        Some(Class::of(&fact.route.strength))
    } else {
        public.then_some(Class::Public)
    };
    let declared = fact.declared.filter(|_| public);
    Entry {
        app: fact.route.app.clone(),
        path: fact.route.path.clone(),
        methods: fact.methods.clone(),
        kind: match fact.methods {
            Methods::Websocket => Kind::Websocket,
            _ => fact.route.kind,
        },
        endpoint: fact.route.endpoint.clone(),
        class,
        risk: fact.risk.clone(),
        strength: fact.strength(),
        gates: fact.gates.iter().map(|gate| (*gate).to_owned()).collect(),
        evidence: fact.evidence,
        reason: fact.reason.filter(|_| public).map(str::to_owned),
        owner: declared.and_then(|entry| entry.owner.clone()),
        expires: declared.and_then(|entry| entry.expires),
        comment: Vec::new(),
        line: 0,
    }
}

/// An entry for what had one.
fn renewed(fact: &Fact<'_>, before: &Entry, weaker: bool) -> Entry {
    let known = before.evidence.is_gated() || before.evidence == Evidence::Public;
    if weaker && known && fact.evidence == Evidence::Unresolved {
        // This way of looking cannot tell, and a stronger one could.
        return before.clone();
    }
    let mut entry = inherited(fact, before);
    if entry.class == Some(Class::Public) {
        entry.reason = entry.reason.or_else(|| before.reason.clone());
        entry.expires = entry.expires.or(before.expires);
    } else if before.is_declared_here() && !fact.evidence.is_gated() {
        entry.class = Some(Class::Public);
        entry.reason.clone_from(&before.reason);
        entry.expires = before.expires;
    } else if !before.is_public() {
        entry.reason.clone_from(&before.reason);
        entry.expires = before.expires;
    }
    let same = entry.gates == before.gates && entry.strength == before.strength;
    if weaker && same && entry.evidence.is_gated() && before.evidence.is_gated() {
        entry.evidence = entry.evidence.max(before.evidence);
    }
    entry
}

/// An entry for what is not quite what had one. Nothing that lets strangers in is handed on.
fn inherited(fact: &Fact<'_>, before: &Entry) -> Entry {
    let mut entry = first(fact);
    // A class is lowered by people only: else renewing the file would hide that a gate became weaker.
    if entry.class != Some(Class::Public)
        && let Some(class) = before.class.filter(|class| *class != Class::Public)
    {
        entry.class = Some(entry.class.map_or(class, |own| own.max(class)));
    }
    entry.owner = entry.owner.or_else(|| before.owner.clone());
    entry.comment.clone_from(&before.comment);
    entry
}

/// Whether one of the methods of an entry was seen at its path.
pub(crate) fn is_seen(entry: &Entry, facts: &[Fact<'_>]) -> bool {
    let here = facts::at(facts, &entry.app, &entry.path);
    let each = entry.methods.each();
    each.into_iter()
        .any(|method| here.iter().any(|fact| fact.methods.cover(method)))
}

/// The routes that have another path than before, by what serves them, where that leaves no doubt: of each fact's
/// number, the entry. The entries are those of which nothing was seen.
pub(crate) fn moves<'a>(
    previous: &LockFile,
    facts: &[Fact<'_>],
    unseen: &[&'a Entry],
) -> BTreeMap<usize, &'a Entry> {
    let mut ways: BTreeMap<_, (Vec<&'a Entry>, Vec<usize>)> = BTreeMap::new();
    for entry in unseen {
        if let Some(endpoint) = &entry.endpoint {
            let way = (entry.app.as_str(), endpoint.as_str(), &entry.methods);
            ways.entry(way).or_default().0.push(entry);
        }
    }
    for (at, fact) in facts.iter().enumerate() {
        if let Some(endpoint) = &fact.route.endpoint
            && let Some(way) =
                ways.get_mut(&(fact.route.app.as_str(), endpoint.as_str(), &fact.methods))
            && before(previous, fact).is_none()
        {
            way.1.push(at);
        }
    }
    let certain = ways.into_values().filter_map(|(entries, facts)| {
        match (entries.as_slice(), facts.as_slice()) {
            ([entry], [fact]) => Some((*fact, *entry)),
            _ => None,
        }
    });
    certain.collect()
}
