//! The scan: from a folder of Python to the inventory of its applications.

use std::path::Path;
use std::thread;

use sealgate_inventory::{
    Acceptance, App, Config, Evidence, Inventory, Lens, Note, Place, Route, Step,
};

use crate::evaluate::Interpreter;
use crate::evaluate::value::Value;
use crate::framework::{self, FlatRoute};
use crate::gates::{Assessment, Gates, gates_of};
use crate::rules::{self, Context, Seen};
use crate::source::{Progress, SourceError, Sources};

/// Deeply nested source is walked by recursion. Only what is used of it becomes memory.
const STACK_BYTES: usize = 512 << 20;

/// Why a scan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The source could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No thread could be started for it, or the scan itself failed.
    #[error("the scan could not be run: {0}")]
    Broken(String),
}

impl ScanError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Source(_) => "source_unreadable",
            Self::Broken(_) => "scan_broken",
        }
    }
}

/// Reads the source at `root`, a folder or a file, and tells every way into the applications that it makes.
///
/// Nothing is imported or run. What cannot be told is `UNRESOLVED`, with the reason. `progress` hears how far it
/// is, from several threads.
pub fn scan(
    root: &Path,
    config: &Config,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Inventory, ScanError> {
    let sources = Sources::find(root, &config.exclude, progress)?;
    on_large_stack(|| inventory(&sources, root, config, progress))
}

/// Runs work that walks source by recursion.
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, ScanError> {
    let broken = |what: &dyn std::fmt::Display| ScanError::Broken(what.to_string());
    thread::scope(|scope| {
        let running = thread::Builder::new()
            .name("scan".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| broken(&error))?;
        running
            .join()
            .map_err(|_| broken(&"it came upon a fault of its own"))
    })
}

fn inventory(
    sources: &Sources,
    root: &Path,
    config: &Config,
    progress: &(dyn Fn(Progress) + Sync),
) -> Inventory {
    sources.preload(&sources.candidates(), progress);
    let mut interpreter = Interpreter::new(sources);
    interpreter.run();
    let mut gates = Gates::new(config.clone());
    gates.learn_handlers(&interpreter);
    let mut inventory = Inventory::new(Lens::Scan, root.display().to_string());
    let mut seen = Vec::new();
    for application in framework::applications(&mut interpreter) {
        let application = if config.wants_app(&application.name) {
            application
        } else {
            application.unwrapped()
        };
        if !config.wants_app(&application.name) {
            continue;
        }
        inventory.apps.push(App {
            name: application.name.clone(),
            place: Some(interpreter.place(application.object.spot)),
            middleware: Vec::new(),
            openapi_operations: None,
        });
        for flat in application.flatten(&mut interpreter) {
            let assessment = gates_of(&mut interpreter, &mut gates, &flat);
            let one = one_seen(
                config,
                &mut interpreter,
                &application.name,
                flat,
                assessment,
            );
            keep(&mut seen, one);
        }
    }
    let mut context = Context {
        interpreter: &mut interpreter,
        seen: &seen,
    };
    inventory.findings = rules::check(&mut context);
    inventory.notes = notes(&mut interpreter, sources, config);
    inventory.acceptances = acceptances(sources);
    inventory.routes = seen.into_iter().map(|seen| seen.route).collect();
    inventory.sort();
    inventory
}

/// Adds a route. One that a factory makes in several ways counts as what the least of them is.
fn keep<'a>(seen: &mut Vec<Seen<'a>>, one: Seen<'a>) {
    let known = if one.flat.of_twin {
        seen.iter_mut()
            .find(|known| known.route.app == one.route.app && known.flat.same_way(&one.flat))
    } else {
        None
    };
    match known {
        Some(known) => {
            let mut other = one;
            if other.route.evidence < known.route.evidence {
                std::mem::swap(known, &mut other);
            }
            known.flat.learn_path(&other.flat);
            known.route.path.clone_from(&known.flat.path);
        }
        None => seen.push(one),
    }
}

/// Takes over what the configuration declares public, unless a gate stands before it all the same.
pub(crate) fn declare(route: &mut Route, config: &Config) {
    if !route.evidence.is_gated()
        && let Some(entry) = config.public_entry(route)
    {
        route.evidence = Evidence::Public;
        route.reason = Some(entry.reason.clone());
    }
}

/// A route with what was found to stand before it.
fn one_seen<'a>(
    config: &Config,
    interpreter: &mut Interpreter<'a>,
    app: &str,
    flat: FlatRoute<'a>,
    assessment: Assessment,
) -> Seen<'a> {
    let endpoint = match &flat.endpoint {
        Value::Unknown(_) | Value::None => None,
        value => Some(interpreter.name_of(value)),
    };
    let function = interpreter.function_of(&flat.endpoint);
    let spot = function.map_or(flat.spot, |function| interpreter.spot_of(&function));
    let place = interpreter.place(spot);
    let via = flat.via.iter().map(|(spot, text)| Step {
        place: interpreter.place(*spot),
        text: text.clone(),
    });
    let mut route = Route {
        app: app.to_owned(),
        path: flat.path.clone(),
        methods: flat.methods.clone(),
        kind: flat.kind,
        endpoint,
        file: Some(place.file),
        line: Some(place.line),
        evidence: assessment.evidence,
        gates: assessment.gates,
        strength: assessment.strength,
        reason: assessment.reason,
        dependencies: assessment.dependencies,
        risk: Vec::new(),
        via: via.collect(),
    };
    declare(&mut route, config);
    route.risk = sealgate_inventory::risk::of(&route);
    Seen {
        flat,
        route,
        flaws: assessment.flaws,
        judged: assessment.judged,
    }
}

/// The comments that accept findings, of all files that may have to do with an application.
pub(crate) fn acceptances(sources: &Sources) -> Vec<Acceptance> {
    let each = |module| {
        let comments = sources.accept_comments(module).iter();
        comments.map(move |(line, rule, reason)| Acceptance {
            rule: rule.clone(),
            reason: reason.clone(),
            place: Place {
                file: sources.file(module).to_owned(),
                line: *line,
            },
        })
    };
    sources.candidates().into_iter().flat_map(each).collect()
}

/// What was not understood and is no route of an application.
fn notes(interpreter: &mut Interpreter<'_>, sources: &Sources, config: &Config) -> Vec<Note> {
    let mut notes = Vec::new();
    for skipped in sources.skipped() {
        let place = Place {
            file: skipped.file.clone(),
            line: 1,
        };
        notes.push(Note {
            place: Some(place),
            text: format!("the file was not read: {}", skipped.reason),
        });
    }
    for module in sources.candidates() {
        let Some(loaded) = sources.load(module) else {
            continue;
        };
        for error in &loaded.errors {
            let place = Place {
                file: sources.file(module).to_owned(),
                line: error.line,
            };
            notes.push(Note {
                place: Some(place),
                text: format!("the file has an error in it: {}", error.text),
            });
        }
    }
    if config.apps.is_empty() {
        for router in framework::orphans(interpreter) {
            notes.push(Note {
                place: Some(interpreter.place(router.object.spot)),
                text: format!("no application leads to the routes of `{}`", router.name),
            });
        }
    }
    notes
}
