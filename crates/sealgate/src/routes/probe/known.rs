//! What is known of an application's routes before it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sealgate_inventory::lock::LOCK_FILE;
use sealgate_inventory::{Config, Entry, Evidence, Inventory, Lens, Route, RouteKey};
use sealgate_probe::Document;

use crate::failure::Failure;
use crate::routes::folder::Folder;
use crate::routes::{live, lock, look};

/// The gates before routes, by their names.
pub(super) type Behind = BTreeMap<RouteKey, BTreeSet<String>>;

/// The routes, from an inventory or the lock file, and the gates that the latter has before them.
pub(super) fn routes(
    inventory: Option<&Path>,
    at: &lock::At,
    folder: &Folder,
) -> Result<(Inventory, Behind), Failure> {
    if let Some(file) = inventory {
        return Ok((live::from(file)?, Behind::new()));
    }
    let Some(reviewed) = at.read(folder)? else {
        let said = format!("there is no {LOCK_FILE} to know the routes from");
        return Err(Failure::usage("lock_missing", said).with_hint(
            "write it with `sealgate routes lock`, or give the routes: --routes FILE, of `sealgate routes inspect --json`",
        ));
    };
    let mut inventory = Inventory::new(Lens::Probe, "");
    // Of gates that are not known to run, it is not known either whether they do the same everywhere.
    let seen = |entry: &&Entry| [Evidence::Gated, Evidence::Denied].contains(&entry.evidence);
    let behind = reviewed
        .entries
        .iter()
        .filter(seen)
        .map(|entry| (entry.key(), entry.gates.clone()))
        .collect();
    inventory.routes = reviewed.entries.into_iter().map(route).collect();
    let names: std::collections::BTreeSet<&String> =
        inventory.routes.iter().map(|route| &route.app).collect();
    inventory.apps = names
        .into_iter()
        .map(|name| sealgate_inventory::App {
            name: name.clone(),
            place: None,
            middleware: Vec::new(),
            openapi_operations: None,
        })
        .collect();
    Ok((inventory, behind))
}

fn route(entry: Entry) -> Route {
    let public = entry.is_public();
    Route {
        methods: entry
            .methods
            .each()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        app: entry.app,
        path: entry.path,
        kind: entry.kind,
        endpoint: entry.endpoint,
        file: None,
        line: None,
        evidence: if public {
            Evidence::Public
        } else {
            Evidence::Unresolved
        },
        gates: Vec::new(),
        strength: entry.strength,
        reason: entry.reason.filter(|_| public),
        dependencies: Vec::new(),
        risk: entry.risk,
        via: Vec::new(),
    }
}

/// The same, with what the configuration declares public, and without applications that were not asked for.
pub(super) fn declared(mut inventory: Inventory, config: &Config) -> Inventory {
    let today = look::today();
    inventory
        .routes
        .retain(|route| config.wants_app(&route.app));
    for route in &mut inventory.routes {
        let entry = config
            .public_entry(route)
            .filter(|entry| entry.expires.is_none_or(|last| today <= last));
        if let Some(entry) = entry {
            route.evidence = Evidence::Public;
            route.reason = Some(entry.reason.clone());
        }
    }
    inventory
}

/// The `OpenAPI` document in a file.
pub(super) fn document(file: &Path) -> Result<Document, Failure> {
    let shown = file.display();
    let unread = |said: String| Failure::usage("probe_openapi_unreadable", said);
    let bytes = fs::read(file).map_err(|error| unread(format!("cannot read {shown}: {error}")))?;
    let document = serde_json::from_slice(&bytes)
        .map_err(|error| unread(format!("{shown} is no OpenAPI document: {error}")))?;
    Ok(Document::new(document))
}
