//! What the callables of a running application do, by their source.
//!
//! The application tells which callables stand before a route, and cannot tell what they do. Their source can,
//! be it the application's own or that of an installed library.

mod find;
mod outside;
mod sum;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use sealgate_inventory::{
    Callable, Config, Evidence, Gate, Inventory, Kind, Level, Place, Placement, Route, Strength,
};

use self::find::find;
use self::outside::{FIXED, Made, Outside, judge_outside, made, made_by_library};
use self::sum::Sum;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Depends, Spot, Value};
use crate::framework::{Added, FlatRoute, Layer, Middleware};
use crate::gates::{Gates, gates_of};
use crate::held::PARTIAL;
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
pub fn judge(
    mut inventory: Inventory,
    root: &Path,
    config: &Config,
) -> Result<Inventory, ScanError> {
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
        let mut live = Live {
            interpreter,
            gates,
            outside,
            known: BTreeMap::new(),
        };
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
        let place = route
            .file
            .clone()
            .zip(route.line)
            .map(|(file, line)| Place { file, line });
        let endpoint = route
            .endpoint
            .clone()
            .and_then(|name| self.find((name, BTreeMap::new()), place.as_ref()));
        let mut middleware = self.around(around, &mut sum);
        let mut told: BTreeSet<String> = BTreeSet::new();
        if let Some(endpoint) = endpoint {
            let flat = self.flat(route, endpoint, Vec::new(), middleware.clone());
            let mut assessment = gates_of(&mut self.interpreter, &mut self.gates, &flat);
            // The source may promise what the running application does not have.
            let runs = |gate: &Gate| {
                gate.placement != Placement::Dependency
                    || route.dependencies.iter().any(|callable| {
                        callable.held.is_empty() && same_callable(&callable.name, &gate.name)
                    })
            };
            if !assessment.gates.iter().all(runs) {
                assessment.gates.retain(runs);
                let all = assessment.gates.iter();
                assessment.strength =
                    all.fold(Strength::default(), |all, gate| all.and(&gate.strength));
                if assessment.gates.is_empty() {
                    assessment.evidence = Evidence::Open;
                    assessment.reason = Some("the gate in its source does not run".to_owned());
                }
            }
            told.extend(
                assessment
                    .dependencies
                    .iter()
                    .map(|callable| callable.name.clone()),
            );
            sum.take(assessment, true);
            middleware.clear();
        }
        for callable in &route.dependencies {
            // What it was made with is known here, and may not be in the source.
            if callable.held.is_empty()
                && told.iter().any(|told| same_callable(&callable.name, told))
            {
                continue;
            }
            let gate = |strength: Strength| Gate {
                name: made_by_library(callable)
                    .map_or_else(|| callable.name.clone(), str::to_owned),
                placement: callable.placement,
                strength,
                place: callable.place.clone(),
            };
            match self.outside.get(&made(callable)).cloned() {
                Some(Outside::Gate(strength)) => sum.gate(gate(strength)),
                Some(Outside::NotGate) => {}
                Some(Outside::Unknown(why)) => sum.unknown(format!("`{}`: {why}", callable.name)),
                None => match self.find(made(callable), callable.place.as_ref()) {
                    _ if callable.held.contains_key(PARTIAL)
                        && self.gates.config.named_gate(&callable.name).is_none() =>
                    {
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
                        sum.gate(gate(Strength {
                            level: Level::User,
                            ..Strength::default()
                        }));
                    }
                    None => sum.unknown(format!("the source of `{}` was not found", callable.name)),
                },
            }
        }
        if !middleware.is_empty() && route.dependencies.is_empty() {
            let flat = self.flat(route, Value::None, Vec::new(), middleware);
            let assessment = gates_of(&mut self.interpreter, &mut self.gates, &flat);
            sum.take(assessment, false);
        }
        sum.settle(route);
    }

    /// The middleware whose source is known.
    fn around(&mut self, around: &[Callable], sum: &mut Sum) -> Vec<Rc<Middleware<'a>>> {
        let mut middleware = Vec::new();
        for callable in around {
            match self.outside.get(&made(callable)).cloned() {
                // What a library's middleware does may depend on the path and on how it is set up.
                Some(Outside::Gate(_)) => {
                    sum.unknown(format!("`{}` may deny only some paths", callable.name));
                }
                Some(_) => {}
                None => {
                    if let Some(value) = self.find(made(callable), callable.place.as_ref()) {
                        middleware.push(self.middleware(value));
                    } else {
                        let name = &callable.name;
                        sum.unknown(format!(
                            "the source of the middleware `{name}` was not found"
                        ));
                    }
                }
            }
        }
        middleware
    }

    fn nowhere(&self) -> Spot {
        let module = self
            .interpreter
            .sources
            .modules()
            .next()
            .unwrap_or(ModuleId::NONE);
        Spot {
            module,
            range: (0, 0),
        }
    }

    fn middleware(&self, callee: Value<'a>) -> Rc<Middleware<'a>> {
        let dispatch = matches!(callee, Value::Function(_));
        let spot = self.nowhere();
        Rc::new(Middleware {
            callee,
            arguments: Arguments::default(),
            dispatch,
            added: Added {
                tick: 0,
                spot,
                conditions: Vec::new(),
            },
        })
    }

    fn flat(
        &mut self,
        route: &Route,
        endpoint: Value<'a>,
        layers: Vec<Layer<'a>>,
        middleware: Vec<Rc<Middleware<'a>>>,
    ) -> FlatRoute<'a> {
        let spot = self.interpreter.function_of(&endpoint).map_or_else(
            || self.nowhere(),
            |function| self.interpreter.spot_of(&function),
        );
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
