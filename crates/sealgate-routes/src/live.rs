//! What the callables of a running application do, by their source.
//!
//! The application tells which callables stand before a route, and cannot tell what they do. Their source can,
//! be it the application's own or that of an installed library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sealgate_inventory::{Callable, Config, Evidence, Gate, Inventory, Kind, Place, Placement, Route, Strength};

use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Depends, Spot, Value};
use crate::held::{PARTIAL, WRAPS, holding, is_wrapped};
use crate::framework::{Added, FlatRoute, Layer, Middleware};
use crate::gates::{Assessment, Gates, Verdict, gates_of, judge as judge_callable};
use crate::scan::{ScanError, acceptances, declare, on_large_stack};
use crate::source::{ModuleId, Sources};

/// What `_inspect` says of a route that it leaves to this.
const NOT_JUDGED: &str = "not judged yet";

/// What it says where there is nothing but the handler, which may check by itself.
const NOTHING_BEFORE: &str = "nothing runs before it";

/// Whether it is left to this what a route asks for.
fn is_left(route: &Route) -> bool {
    let handler = route.reason.as_deref() == Some(NOTHING_BEFORE) && route.endpoint.is_some();
    handler || route.reason.as_deref() == Some(NOT_JUDGED)
}

/// Fills in what the running application could not tell: the gates of each route, and the evidence for them.
///
/// `inventory` is what the application told. `root` is the folder that it was imported from, which its files are
/// relative to; those of libraries are absolute. Routes that are settled stay as they are.
pub fn judge(mut inventory: Inventory, root: &Path, config: &Config) -> Result<Inventory, ScanError> {
    let sources = Sources::find(root, &config.exclude, &|_| {})?;
    sources.preload(&sources.candidates(), &|_| {});
    inventory.acceptances = acceptances(&sources);
    if !inventory.routes.iter().any(is_left) {
        return Ok(inventory);
    }
    let outside = judge_outside(&inventory, config)?;
    on_large_stack(|| {
        let mut interpreter = Interpreter::new(&sources);
        interpreter.run();
        let mut gates = Gates::new(config.clone());
        gates.learn_handlers(&interpreter);
        let mut live = Live { interpreter, gates, outside, known: BTreeMap::new() };
        let middleware: BTreeMap<String, Vec<Callable>> = inventory
            .apps
            .iter()
            .map(|app| (app.name.clone(), app.middleware.clone()))
            .collect();
        for route in &mut inventory.routes {
            if is_left(route) {
                let around = middleware.get(&route.app).map_or(&[][..], Vec::as_slice);
                live.settle(route, around);
            }
            declare(route, config);
        }
        inventory.sort();
        inventory
    })
}

/// What is known of a callable outside of the application's folder.
#[derive(Clone)]
enum Outside {
    Gate(Strength),
    NotGate,
    Unknown(String),
}

/// A callable by its name, and what it was made with.
type Made = (String, BTreeMap<String, String>);

fn made(callable: &Callable) -> Made {
    (callable.name.clone(), callable.held.clone())
}

/// Why a partial is not judged by its function. `FastAPI` lets callers set what was fixed by keyword.
const FIXED: &str = "some of its arguments are fixed by `functools.partial`, and callers may be able to set them";

/// Judges the callables of libraries, each library by itself.
fn judge_outside(inventory: &Inventory, config: &Config) -> Result<BTreeMap<Made, Outside>, ScanError> {
    let middleware = inventory.apps.iter().flat_map(|app| &app.middleware);
    let all = inventory.routes.iter().flat_map(|route| &route.dependencies).chain(middleware);
    let mut libraries: BTreeMap<PathBuf, BTreeSet<(Made, String, u32)>> = BTreeMap::new();
    for callable in all {
        if let Some(place) = &callable.place
            && Path::new(&place.file).is_absolute()
        {
            let names = libraries.entry(package_of(Path::new(&place.file))).or_default();
            names.insert((made(callable), place.file.clone(), place.line));
        }
    }
    let mut judged = BTreeMap::new();
    for (package, callables) in libraries {
        let frameworks = ["fastapi", "starlette"];
        if package.file_name().is_some_and(|name| frameworks.iter().any(|framework| name == *framework)) {
            // What the frameworks have reads credentials and judges none.
            judged.extend(callables.into_iter().map(|(made, ..)| (made, Outside::NotGate)));
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

/// The callable of this name, `module:qualname`, that stands in this place and was made with what it holds.
fn find<'a>(
    interpreter: &mut Interpreter<'a>,
    name: &str,
    place: Option<&Place>,
    held: &BTreeMap<String, String>,
) -> Option<Value<'a>> {
    let file = place.map(|place| Path::new(&*place.file));
    let (module, qualname) = name.split_once(':')?;
    let sources = interpreter.sources;
    let by_file = file.and_then(|file| {
        sources.modules().find(|id| {
            let own = sources.file(*id);
            file == Path::new(own) || file == sources.root().join(own) || file == sources.root()
        })
    });
    let by_name = || {
        let same = |own: &str| own == module || module.ends_with(&format!(".{own}")) || own.ends_with(&format!(".{module}"));
        sources.modules().find(|id| sources.name(*id) == module).or_else(|| {
            sources.modules().find(|id| same(sources.name(*id)))
        })
    };
    let id = by_file.or_else(by_name)?;
    let mut parts = qualname.split('.').peekable();
    let mut value = interpreter.name_in_module(id, parts.next()?)?;
    let mut class = None;
    while let Some(part) = parts.next() {
        value = if part == "<locals>" {
            let function = interpreter.function_of(&value)?;
            let inside = interpreter.locals(&function, None);
            interpreter.lookup(&inside, parts.next()?)
        } else if part == "__call__" && parts.peek().is_none() {
            let any = interpreter.any_of(&value)?;
            return Some(holding(interpreter, any, None, held));
        } else {
            class = Some(value.clone());
            interpreter.attribute(&value, part)
        };
    }
    if held.contains_key(WRAPS) {
        // What was put around it may do anything. It is known where the name itself stands for both.
        return is_wrapped(&value).then_some(value);
    }
    let value = here(interpreter, &value, place)?;
    Some(holding(interpreter, value, class.as_ref(), held))
}

/// Of several things of one name the one that stands in this place; nothing where another one does.
fn here<'a>(interpreter: &mut Interpreter<'a>, value: &Value<'a>, place: Option<&Place>) -> Option<Value<'a>> {
    let mut fitting = Vec::new();
    for one in value.alternatives() {
        let line = match one {
            Value::Unknown(_) => continue,
            Value::Function(function) => {
                let spot = interpreter.spot_of(function);
                Some(interpreter.place(spot).line)
            }
            _ => None,
        };
        if place.is_none_or(|place| line.is_none_or(|line| line == place.line)) {
            fitting.push(one.clone());
        }
    }
    (!fitting.is_empty()).then(|| Value::either(fitting))
}

struct Live<'a> {
    interpreter: Interpreter<'a>,
    gates: Gates<'a>,
    outside: BTreeMap<Made, Outside>,
    /// What names mean that were looked for, by their lines.
    known: BTreeMap<(Made, u32), Option<Value<'a>>>,
}

impl<'a> Live<'a> {
    fn find(&mut self, made: Made, place: Option<&Place>) -> Option<Value<'a>> {
        let key = (made, place.map_or(0, |place| place.line));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = find(&mut self.interpreter, &key.0.0, place, &key.0.1);
        self.known.insert(key, found.clone());
        found
    }

    /// Settles one route: by its endpoint's source, then by what else stands before it.
    fn settle(&mut self, route: &mut Route, around: &[Callable]) {
        let mut sum = Sum::default();
        let place = route.file.clone().zip(route.line).map(|(file, line)| Place { file, line });
        let endpoint = route.endpoint.clone().and_then(|name| self.find((name, BTreeMap::new()), place.as_ref()));
        let mut middleware = Vec::new();
        for callable in around {
            match self.outside.get(&made(callable)).cloned() {
                // What a library's middleware does may depend on the path and on how it is set up.
                Some(Outside::Gate(_)) => sum.unknown(format!("`{}` may deny only some paths", callable.name)),
                Some(_) => {}
                None => match self.find(made(callable), callable.place.as_ref()) {
                    Some(value) => middleware.push(self.middleware(value)),
                    None => sum.unknown(format!("the source of the middleware `{}` was not found", callable.name)),
                },
            }
        }
        let mut told: BTreeSet<String> = BTreeSet::new();
        if let Some(endpoint) = endpoint {
            let flat = self.flat(route, endpoint, Vec::new(), middleware.clone());
            let mut assessment = gates_of(&mut self.interpreter, &mut self.gates, &flat);
            // The source may promise what the running application does not have.
            let runs = |gate: &Gate| {
                gate.placement != Placement::Dependency
                    || route
                        .dependencies
                        .iter()
                        .any(|callable| callable.held.is_empty() && same_callable(&callable.name, &gate.name))
            };
            if !assessment.gates.iter().all(runs) {
                assessment.gates.retain(runs);
                let all = assessment.gates.iter();
                assessment.strength = all.fold(Strength::default(), |all, gate| all.and(&gate.strength));
                if assessment.gates.is_empty() {
                    assessment.evidence = Evidence::Open;
                    assessment.reason = Some("the gate in its source does not run".to_owned());
                }
            }
            told.extend(assessment.dependencies.iter().map(|callable| callable.name.clone()));
            sum.take(assessment, true);
            middleware.clear();
        }
        for callable in &route.dependencies {
            // What it was made with is known here, and may not be in the source.
            if callable.held.is_empty() && told.iter().any(|told| same_callable(&callable.name, told)) {
                continue;
            }
            let gate = |strength: Strength| Gate {
                name: callable.name.clone(),
                placement: callable.placement,
                strength,
                place: callable.place.clone(),
            };
            match self.outside.get(&made(callable)).cloned() {
                Some(Outside::Gate(strength)) => sum.gate(gate(strength)),
                Some(Outside::NotGate) => {}
                Some(Outside::Unknown(why)) => sum.unknown(format!("`{}`: {why}", callable.name)),
                None => {
                    match self.find(made(callable), callable.place.as_ref()) {
                        _ if callable.held.contains_key(PARTIAL) && self.gates.config.named_gate(&callable.name).is_none() => {
                            sum.unknown(format!("`{}`: {FIXED}", callable.name));
                        }
                        Some(value) => {
                            let layer = Layer {
                                placement: callable.placement,
                                dependencies: vec![depends(value, &callable.scopes, self.nowhere())],
                            };
                            let flat = self.flat(route, Value::None, vec![layer], middleware.clone());
                            let assessment = gates_of(&mut self.interpreter, &mut self.gates, &flat);
                            sum.take(assessment, false);
                        }
                        None if self.gates.config.named_gate(&callable.name).is_some() => {
                            sum.gate(gate(Strength { level: sealgate_inventory::Level::User, ..Strength::default() }));
                        }
                        None => sum.unknown(format!("the source of `{}` was not found", callable.name)),
                    }
                }
            }
        }
        if !middleware.is_empty() && route.dependencies.is_empty() {
            let flat = self.flat(route, Value::None, Vec::new(), middleware);
            let assessment = gates_of(&mut self.interpreter, &mut self.gates, &flat);
            sum.take(assessment, false);
        }
        sum.settle(route);
    }

    fn nowhere(&self) -> Spot {
        let module = self.interpreter.sources.modules().next().unwrap_or(ModuleId::NONE);
        Spot { module, range: (0, 0) }
    }

    fn middleware(&self, callee: Value<'a>) -> Rc<Middleware<'a>> {
        let dispatch = matches!(callee, Value::Function(_));
        let spot = self.nowhere();
        Rc::new(Middleware {
            callee,
            arguments: Arguments::default(),
            dispatch,
            added: Added { tick: 0, spot, conditions: Vec::new() },
        })
    }

    fn flat(
        &mut self,
        route: &Route,
        endpoint: Value<'a>,
        layers: Vec<Layer<'a>>,
        middleware: Vec<Rc<Middleware<'a>>>,
    ) -> FlatRoute<'a> {
        let spot = self
            .interpreter
            .function_of(&endpoint)
            .map_or_else(|| self.nowhere(), |function| self.interpreter.spot_of(&function));
        FlatRoute {
            path: route.path.clone(),
            methods: route.methods.clone(),
            kind: route.kind,
            api: matches!(route.kind, Kind::Http | Kind::Websocket),
            endpoint,
            handlers: Vec::new(),
            spot,
            via: Vec::new(),
            layers,
            middleware,
            route_class: None,
            conditions: Vec::new(),
            late: false,
            apps: Vec::new(),
            unresolved: None,
            of_twin: false,
        }
    }
}

/// Whether a running application and the source mean the same callable: of an instance, the one has its method
/// and what it was made with, and the other its class.
fn same_callable(live: &str, source: &str) -> bool {
    let plain = |name: &str| {
        let name = name.strip_suffix(".__call__").unwrap_or(name);
        name.split('(').next().unwrap_or(name).to_owned()
    };
    plain(live) == plain(source)
}

fn depends<'a>(callee: Value<'a>, scopes: &[String], spot: Spot) -> Value<'a> {
    let names = scopes.iter().map(|scope| Value::text(scope)).collect();
    Value::Depends(Rc::new(Depends {
        callee: Some(callee),
        security: !scopes.is_empty(),
        scopes: (!scopes.is_empty()).then(|| Value::list(names)),
        spot,
    }))
}

/// What was found out about one route so far.
#[derive(Default)]
struct Sum {
    gates: Vec<Gate>,
    strength: Strength,
    public: Option<String>,
    unknown: Option<String>,
    open: Option<String>,
}

impl Sum {
    fn gate(&mut self, gate: Gate) {
        self.strength = std::mem::take(&mut self.strength).and(&gate.strength);
        if !self.gates.iter().any(|known| known.name == gate.name && known.placement == gate.placement) {
            self.gates.push(gate);
        }
    }

    fn unknown(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    /// Takes over what was found. Only where the `handler` itself was looked at does a comment beside it count.
    fn take(&mut self, assessment: Assessment, handler: bool) {
        self.strength = std::mem::take(&mut self.strength).and(&assessment.strength);
        for gate in assessment.gates {
            self.gate(gate);
        }
        match (assessment.evidence, assessment.reason) {
            (Evidence::Public, Some(reason)) if handler => {
                self.public.get_or_insert(reason);
            }
            (Evidence::Unresolved, Some(reason)) => self.unknown(reason),
            (Evidence::Open, reason) => self.open = self.open.take().or(reason),
            _ => {}
        }
    }

    fn settle(self, route: &mut Route) {
        let live = self.gates.iter().any(|gate| gate.placement != Placement::Handler);
        (route.evidence, route.reason) = if live {
            (Evidence::Gated, None)
        } else if let Some(reason) = self.public {
            (Evidence::Public, Some(reason))
        } else if let Some(why) = self.unknown {
            (Evidence::Unresolved, Some(why))
        } else if !self.gates.is_empty() {
            (Evidence::GatedStatic, None)
        } else {
            let reason = self.open.unwrap_or_else(|| "nothing before it denies".to_owned());
            (Evidence::Open, Some(reason))
        };
        route.gates = self.gates;
        route.strength = self.strength;
        if route.risk.is_empty() {
            route.risk = sealgate_inventory::risk::of(route);
        }
    }
}
