//! Callables of libraries: what stands before a route and is not of the application's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sealgate_inventory::{Callable, Config, Inventory, Level, Place, Strength};

use super::find::find;
use crate::evaluate::Interpreter;
use crate::gates::{Gates, Verdict, judge as judge_callable};
use crate::held::PARTIAL;
use crate::scan::{ScanError, on_large_stack};
use crate::source::Sources;

/// What is known of a callable outside of the application's folder.
#[derive(Clone)]
pub(super) enum Outside {
    Gate(Strength),
    NotGate,
    Unknown(String),
}

/// A callable by its name, and what it was made with.
pub(super) type Made = (String, BTreeMap<String, String>);

pub(super) fn made(callable: &Callable) -> Made {
    (callable.name.clone(), callable.held.clone())
}

/// What a callable is called in the source, where a library made it: the scan knows the library and not what it makes.
pub(super) fn made_by_library(callable: &Callable) -> Option<&'static str> {
    callable
        .name
        .starts_with(FASTAPI_USERS)
        .then_some("fastapi_users.FastAPIUsers().current_user")
}

/// The dependencies that fastapi-users makes of what it was asked for.
const FASTAPI_USERS: &str = "fastapi_users.authentication.authenticator:Authenticator.current_user";

fn of_fastapi_users(made: &Made) -> Outside {
    if !made.0.starts_with(FASTAPI_USERS) {
        return Outside::Unknown("what fastapi-users does there is not known".to_owned());
    }
    let asked = |name: &str| made.1.get(name).map(String::as_str);
    let level = match asked("superuser") {
        Some("true") => Level::Privileged,
        _ => Level::User,
    };
    match asked("optional") {
        Some("false") => Outside::Gate(Strength {
            level,
            ..Strength::default()
        }),
        Some("true") => Outside::NotGate,
        _ => Outside::Unknown("it is not known whether it is optional".to_owned()),
    }
}

/// Why a partial is not judged by its function. `FastAPI` lets callers set what was fixed by keyword.
pub(super) const FIXED: &str =
    "some of its arguments are fixed by `functools.partial`, and callers may be able to set them";

/// Judges the callables of libraries, each library by itself.
pub(super) fn judge_outside(
    inventory: &Inventory,
    config: &Config,
) -> Result<BTreeMap<Made, Outside>, ScanError> {
    let middleware = inventory.apps.iter().flat_map(|app| &app.middleware);
    let all = inventory
        .routes
        .iter()
        .flat_map(|route| &route.dependencies)
        .chain(middleware);
    let mut libraries: BTreeMap<PathBuf, BTreeSet<(Made, String, u32)>> = BTreeMap::new();
    for callable in all {
        if let Some(place) = &callable.place
            && Path::new(&place.file).is_absolute()
        {
            let names = libraries
                .entry(package_of(Path::new(&place.file)))
                .or_default();
            names.insert((made(callable), place.file.clone(), place.line));
        }
    }
    let mut judged = BTreeMap::new();
    for (package, callables) in libraries {
        let frameworks = ["fastapi", "starlette"];
        if package
            .file_name()
            .is_some_and(|name| frameworks.iter().any(|framework| name == *framework))
        {
            // What the frameworks have reads credentials and judges none.
            judged.extend(
                callables
                    .into_iter()
                    .map(|(made, ..)| (made, Outside::NotGate)),
            );
            continue;
        }
        if package
            .file_name()
            .is_some_and(|name| name == "fastapi_users")
        {
            judged.extend(callables.into_iter().map(|(made, ..)| {
                let outside = of_fastapi_users(&made);
                (made, outside)
            }));
            continue;
        }
        let sources = Sources::find(&package, &[], &|_| {})?;
        let found = on_large_stack(|| {
            let mut interpreter = Interpreter::new(&sources);
            let mut gates = Gates::new(config.clone());
            let mut found = Vec::new();
            for (made, file, line) in callables {
                let place = Place { file, line };
                let value = find(&mut interpreter, &made.0, Some(&place), &made.1);
                let outside = match value {
                    _ if made.1.contains_key(PARTIAL) => Outside::Unknown(FIXED.to_owned()),
                    Some(value) => {
                        let judged = judge_callable(&mut interpreter, &mut gates, &value);
                        match &judged.verdict {
                            Verdict::Gate => Outside::Gate(judged.strength.clone()),
                            Verdict::NotGate(_) => Outside::NotGate,
                            Verdict::Unknown(why) => Outside::Unknown(why.to_string()),
                        }
                    }
                    None => Outside::Unknown("it was not found in its source".to_owned()),
                };
                found.push((made, outside));
            }
            found
        })?;
        judged.extend(found);
    }
    Ok(judged)
}

/// The outermost package that a file is in, or the file itself.
fn package_of(file: &Path) -> PathBuf {
    let mut package = file.to_owned();
    for folder in file.ancestors().skip(1) {
        if !folder.join("__init__.py").is_file() {
            break;
        }
        folder.clone_into(&mut package);
    }
    package
}
