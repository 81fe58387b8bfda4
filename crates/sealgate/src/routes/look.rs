//! One look at an application: its source read, or what it said judged.

use std::collections::BTreeSet;

use jiff::civil::Date;
use sealgate_host::SystemClock;
use sealgate_inventory::accept::{self, Asked};
use sealgate_inventory::{Config, Finding, Inventory, Lens, LockFile, Rule, drift};
use sealgate_model::Clock as _;
use sealgate_routes::{Progress, ScanError};

use super::folder::Folder;
use super::progress::Line;
use super::rules;
use crate::failure::Failure;

/// What the source in `folder` says.
pub(super) fn source(folder: &Folder, config: &Config) -> Result<Inventory, Failure> {
    let line = Line::new();
    let progress = |progress| {
        line.say(&match progress {
            Progress::Found(files) => format!("{files} files found"),
            Progress::Read(files) => format!("{files} files looked through"),
            Progress::Parsed(files) => format!("{files} files read"),
        });
    };
    let scanned = sealgate_routes::scan(folder.source(), config, &progress);
    let mut inventory = scanned.map_err(|error| unread(&error))?;
    inventory.target = folder.named();
    Ok(inventory)
}

/// What the application said, with what its callables do by their source.
pub(super) fn judged(
    inventory: Inventory,
    folder: &Folder,
    config: &Config,
) -> Result<Inventory, Failure> {
    sealgate_routes::judge(inventory, folder.root(), config).map_err(|error| unread(&error))
}

fn unread(error: &ScanError) -> Failure {
    Failure::usage(error.code(), error.to_string())
        .with_hint("see that the folder can be read, and what --exclude says")
}

/// Adds `findings`, those that are there already aside.
pub(super) fn found(inventory: &mut Inventory, findings: impl IntoIterator<Item = Finding>) {
    for finding in findings {
        if !inventory.findings.contains(&finding) {
            inventory.findings.push(finding);
        }
    }
    inventory.sort();
}

/// What its routes lack, by themselves.
pub(super) fn coverage(inventory: &mut Inventory, config: &Config) {
    let findings = drift::coverage(inventory, config, today());
    let fewer = drift::fewer_than_openapi(inventory);
    found(inventory, findings.into_iter().chain(fewer));
}

/// What its routes lack, and what differs from what was reviewed of them.
pub(super) fn drift(inventory: &mut Inventory, reviewed: &LockFile, config: &Config) {
    let findings = drift::compare(reviewed, inventory, config, today());
    let fewer = drift::fewer_than_openapi(inventory);
    found(inventory, findings.into_iter().chain(fewer));
}

/// What is told of `inventory`: its findings, those that somebody accepts aside.
///
/// `asked` are rules that were asked besides those about source, which a scan always asks. With `whole` all
/// applications were looked at, so that what accepts nothing is told of.
pub(super) fn accept(
    mut inventory: Inventory,
    config: &Config,
    asked: &[&'static Rule],
    whole: bool,
) -> Inventory {
    let known = rules::all();
    let source = sealgate_routes::rules().map(|rule| rule.id).collect();
    let mut here: BTreeSet<&'static str> = asked.iter().map(|rule| rule.id).collect();
    if inventory.lens == Lens::Scan {
        here.extend(&source);
    }
    let asked = Asked {
        known: &known,
        source: &source,
        here: &here,
        whole,
        today: today(),
    };
    accept::apply(&mut inventory, config, &asked);
    inventory
}

/// The day, in UTC: an entry that expires does so everywhere at once.
pub(super) fn today() -> Date {
    let now = SystemClock::default().now();
    let at = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Fails where nothing was seen: a look at nothing finds nothing, and proves nothing.
pub(super) fn something(
    inventory: &Inventory,
    config: &Config,
    folder: &Folder,
) -> Result<(), Failure> {
    let names: Vec<&str> = inventory.apps.iter().map(|app| app.name.as_str()).collect();
    let is_there = |app: &&String| names.contains(&app.as_str());
    if let Some(missing) = config.apps.iter().find(|app| !is_there(app)) {
        let said = format!("there is no application {missing} in {}", folder.named());
        let hint = if names.is_empty() {
            "see what is found without --app, and without `apps` in the configuration".to_owned()
        } else {
            format!("found are {}", names.join(", "))
        };
        return Err(Failure::usage("routes_app_missing", said).with_hint(hint));
    }
    if inventory.routes.is_empty() {
        let said = match names.as_slice() {
            [] => format!(
                "no FastAPI or Starlette application was found in {}",
                folder.named()
            ),
            apps => format!("{} has no route at all", apps.join(", ")),
        };
        return Err(Failure::usage("routes_none_found", said).with_hint(
            "give the folder that the application is imported from, and see what is excluded: nothing found is no proof",
        ));
    }
    Ok(())
}
