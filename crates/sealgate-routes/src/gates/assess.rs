//! What stands before a route, all together.

use std::rc::Rc;

use sealgate_inventory::{
    Actor, Callable, Config, Evidence, Gate, Kind, Level, Place, Placement, Strength,
    is_everyday_scope,
};

use super::Gates;
use super::handler::checks;
use super::judge::{at_least_user, weaker};
use super::judgement::{Flaw, FlawKind, Judgement, Verdict};
use super::middleware::{Covered, covers};
use super::tree::{Found, dependencies, dependency};
use super::wrapper::peel;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Definition, Spot, Value};
use crate::framework::{FlatRoute, Framework, Known, public_paths};

/// Sealgate's own dependency that lets in whoever brings nothing.
const OPTIONAL: &str = "sealgate:Gate.optional";

/// What was found to stand before a route.
pub(crate) struct Assessment {
    pub(crate) evidence: Evidence,
    /// From the outermost to the innermost.
    pub(crate) gates: Vec<Gate>,
    pub(crate) strength: Strength,
    /// Why it is public, unresolved or open.
    pub(crate) reason: Option<String>,
    /// Everything that runs before the handler.
    pub(crate) dependencies: Vec<Callable>,
    /// Facts for the soundness rules, with the callable that each is about.
    pub(crate) flaws: Vec<(Rc<str>, Flaw)>,
    /// Everything that was judged on the way, gates or not.
    pub(crate) judged: Vec<(Placement, Rc<Judgement>)>,
}
#[derive(Default)]
struct Sum {
    /// Gates that were come by, each as often as it was.
    met: usize,
    gates: Vec<Gate>,
    strength: Strength,
    unknown: Option<Rc<str>>,
    public: Option<String>,
    looked_at: Vec<Rc<str>>,
    /// What is asked of those who are there, and lets in whoever brings nothing.
    optional: Vec<(String, Placement, Strength)>,
    dependencies: Vec<Callable>,
    judged: Vec<(Placement, Rc<Judgement>)>,
    flaws: Vec<(Rc<str>, Flaw)>,
    /// The class of the route stands around its dependencies, and may catch what they raise.
    caught: bool,
}

impl Sum {
    /// Puts what stands further out before everything else.
    fn behind(&mut self, outer: Self) {
        self.strength = outer.strength.and(&std::mem::take(&mut self.strength));
        let inner = std::mem::replace(&mut self.gates, outer.gates);
        for gate in inner {
            if !self.gates.contains(&gate) {
                self.gates.push(gate);
            }
        }
        self.unknown = outer.unknown.or(self.unknown.take());
        self.dependencies.splice(0..0, outer.dependencies);
        self.judged.splice(0..0, outer.judged);
        for (name, flaw) in &outer.flaws {
            self.flaw(name, flaw);
        }
    }

    fn gate(
        &mut self,
        interpreter: &Interpreter<'_>,
        judged: &Rc<Judgement>,
        placement: Placement,
        strength: Strength,
    ) {
        let place = judged.spot.map(|spot| interpreter.place(spot));
        self.gate_at(judged.name.to_string(), placement, strength, place);
        self.judge(placement, judged);
    }

    fn gate_at(
        &mut self,
        name: String,
        placement: Placement,
        strength: Strength,
        place: Option<Place>,
    ) {
        self.strength = std::mem::take(&mut self.strength).and(&strength);
        self.met += 1;
        let gate = Gate {
            name,
            placement,
            strength,
            place,
        };
        if !self.gates.contains(&gate) {
            self.gates.push(gate);
        }
    }

    fn judge(&mut self, placement: Placement, judged: &Rc<Judgement>) {
        for flaw in judged.all_flaws() {
            self.flaw(&judged.name, flaw);
        }
        self.judged.push((placement, judged.clone()));
    }

    fn flaw(&mut self, name: &Rc<str>, flaw: &Flaw) {
        if !self.flaws.iter().any(|(_, known)| known == flaw) {
            self.flaws.push((name.clone(), flaw.clone()));
        }
    }

    fn unknown(&mut self, why: impl Into<Rc<str>>) {
        let why = why.into();
        self.unknown.get_or_insert(why);
    }
}

/// What stands before `route`, and what is known of it.
pub(crate) fn gates_of<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    route: &FlatRoute<'a>,
) -> Assessment {
    let mut sum = Sum::default();
    for layer in &route.layers {
        for value in &layer.dependencies {
            if matches!(value, Value::None) {
                continue;
            }
            let found = dependency(interpreter, gates, value, layer.placement);
            add(interpreter, &mut sum, &found);
        }
    }
    // What is one of several has to be gated whichever it is.
    if route.handlers.is_empty() {
        let endpoints: Vec<Value<'a>> = route
            .endpoint
            .alternatives()
            .iter()
            .filter(|one| !matches!(one, Value::None))
            .cloned()
            .collect();
        let why = "the endpoint may be one of several, and not all of them check who calls";
        of_handlers(interpreter, gates, route, &endpoints, why, &mut sum);
    } else {
        let why = "not every method of the endpoint checks who calls";
        of_handlers(interpreter, gates, route, &route.handlers, why, &mut sum);
    }
    // Where a dependency denies, nobody has to try the middleware, too.
    gates.sure = sum
        .gates
        .iter()
        .any(|gate| gate.placement != Placement::Handler);
    let mut outer = Sum::default();
    middleware(interpreter, gates, route, &mut outer);
    gates.sure = false;
    sum.behind(outer);
    layer(interpreter, route, &mut sum);
    if !sum.gates.is_empty() {
        for (name, placement, strength) in std::mem::take(&mut sum.optional) {
            sum.gate_at(name, placement, strength, None);
        }
    }
    route_class(interpreter, route, &mut sum);
    comment(interpreter, route, &mut sum);
    conclude(&gates.config, route, sum)
}

fn middleware<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    route: &FlatRoute<'a>,
    sum: &mut Sum,
) {
    for middleware in &route.middleware {
        let name = interpreter.name_of(&middleware.callee);
        let function = interpreter.function_of(&middleware.callee);
        let place = match (&middleware.callee, function) {
            (Value::Class(class), _) => {
                Some(interpreter.place(Spot::new(class.module, class.definition.range)))
            }
            (_, Some(function)) => {
                use ruff_text_size::Ranged;
                Some(interpreter.place(Spot::new(function.module, function.definition.range())))
            }
            _ => None,
        };
        sum.dependencies.push(Callable {
            name: name.clone(),
            placement: Placement::Middleware,
            place,
            scopes: Vec::new(),
            held: std::collections::BTreeMap::new(),
        });
        match covers(interpreter, gates, middleware, route) {
            Covered::Yes(judged) => {
                let strength = judged.strength.clone();
                sum.gate(interpreter, &judged, Placement::Middleware, strength);
            }
            Covered::No => {
                for flaw in super::middleware::flaws(interpreter, gates, middleware, route) {
                    sum.flaw(&name.as_str().into(), &flaw);
                }
            }
            Covered::Perhaps(why) => {
                for flaw in super::middleware::flaws(interpreter, gates, middleware, route) {
                    sum.flaw(&name.as_str().into(), &flaw);
                }
                sum.unknown(why);
            }
        }
    }
}

/// Adds what one dependency leads to. A gate inside of another one is part of it.
fn add(interpreter: &Interpreter<'_>, sum: &mut Sum, found: &[Found]) {
    for one in found {
        let judged = &one.judged;
        let callable = Callable {
            name: judged.name.to_string(),
            placement: one.placement,
            place: judged.spot.map(|spot| interpreter.place(spot)),
            scopes: one.scopes.clone(),
            held: std::collections::BTreeMap::new(),
        };
        if !sum.dependencies.contains(&callable) {
            sum.dependencies.push(callable);
        }
        if let Some(reason) = &judged.public {
            sum.public.get_or_insert_with(|| reason.to_string());
        }
        match &judged.verdict {
            Verdict::Gate => {
                let strength = at_least_user(with_scopes(judged, &one.scopes));
                sum.gate(interpreter, judged, one.placement, strength);
            }
            Verdict::Unknown(why) => {
                sum.judge(one.placement, judged);
                // Most reasons speak of the callable as `it`.
                sum.unknown(match why.strip_prefix("it ") {
                    Some(rest) => format!("`{}` {rest}", judged.name),
                    None => format!("what `{}` does is not known: {why}", judged.name),
                });
            }
            Verdict::NotGate(_) => {
                sum.judge(one.placement, judged);
                if &*judged.name == OPTIONAL && judged.strength.level > Level::None {
                    let strength = with_scopes(judged, &one.scopes);
                    sum.optional
                        .push((judged.name.to_string(), one.placement, strength));
                }
                if !sum.looked_at.contains(&judged.name) {
                    sum.looked_at.push(judged.name.clone());
                }
            }
        }
    }
}

/// What a callable asks for, with the scopes that `Security(...)` hands it.
fn with_scopes(judged: &Judgement, scopes: &[String]) -> Strength {
    let mut strength = judged.strength.clone();
    strength.scopes.extend(scopes.iter().cloned());
    if judged.takes_scopes && scopes.iter().any(|scope| !is_everyday_scope(scope)) {
        strength.level = Level::Privileged;
    }
    strength
}

fn of_endpoint<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    route: &FlatRoute<'a>,
    endpoint: &Value<'a>,
    sum: &mut Sum,
) {
    if matches!(endpoint, Value::None) {
        return;
    }
    if let Some(door) = super::own::mcp_door(endpoint) {
        let strength = door.strength.clone();
        sum.gate(interpreter, &Rc::new(door), Placement::Layer, strength);
        return;
    }
    let peeled = peel(interpreter, gates, endpoint);
    for judged in &peeled.gates {
        let strength = judged.strength.clone();
        sum.gate(interpreter, judged, Placement::Decorator, strength);
    }
    for why in &peeled.unknown {
        sum.unknown(why.clone());
    }
    if route.api {
        let found = dependencies(interpreter, gates, endpoint, Placement::Dependency);
        add(interpreter, sum, &found);
    }
    let settled = !sum.gates.is_empty();
    let own = checks(interpreter, gates, &peeled.handler, !route.api, settled);
    let name: Rc<str> = interpreter.name_of(endpoint).into();
    for flaw in &own.flaws {
        sum.flaw(&name, flaw);
    }
    if let Some(judged) = &own.gate {
        let strength = judged.strength.clone();
        sum.gate(interpreter, judged, Placement::Handler, strength);
    }
    if let Some(why) = own.later {
        sum.unknown(why);
    }
}

/// Several handlers, of which each may be called: what every one of them checks.
fn of_handlers<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    route: &FlatRoute<'a>,
    handlers: &[Value<'a>],
    why: &'static str,
    sum: &mut Sum,
) {
    let before = sum.gates.len();
    let shared = sum.strength.clone();
    let mut counts = Vec::new();
    let mut weakest: Option<Strength> = None;
    for handler in handlers {
        let known = sum.met;
        sum.strength = shared.clone();
        of_endpoint(interpreter, gates, route, handler, sum);
        counts.push(sum.met - known);
        let own = std::mem::take(&mut sum.strength);
        weakest = Some(match weakest {
            Some(known) => weaker(&known, &own),
            None => own,
        });
    }
    sum.strength = weakest.unwrap_or_else(|| shared.clone());
    if counts.contains(&0) && sum.gates.len() > before {
        sum.gates.truncate(before);
        sum.strength = shared;
        sum.unknown(why);
    }
}

/// Sealgate's own layer: where it is installed, what nobody marked is for users.
fn layer<'a>(interpreter: &mut Interpreter<'a>, route: &FlatRoute<'a>, sum: &mut Sum) {
    let mut installed = None;
    for app in &route.apps {
        let made = app.framework.borrow().clone();
        if let Some(Framework::Router(router)) = made.as_deref()
            && app.known.is_some_and(Known::is_application)
        {
            let gate = router.sealgate.borrow().clone();
            installed = gate.or(installed);
        }
    }
    let Some(gate) = installed else { return };
    if sum.public.is_none() {
        for opened in public_paths(interpreter) {
            let same = match (&opened.gate, &gate) {
                (Some(one), other) => one.same(other),
                (None, _) => true,
            };
            let path = opened.path.as_str().unwrap_or_default();
            if same && is_below(path, &route.path) {
                let reason = opened.reason.as_str().unwrap_or("the reason is not known");
                sum.public = Some(reason.to_owned());
            }
        }
    }
    let marked = sum
        .gates
        .iter()
        .any(|gate| gate.name.starts_with("sealgate:"));
    let optional = sum.looked_at.iter().any(|name| &**name == OPTIONAL);
    if sum.public.is_some() || marked || optional {
        return;
    }
    // Mounts and documentation pages are closed, too: the layer stands before routing.
    let strength = Strength {
        level: Level::User,
        actors: [Actor::User].into(),
        ..Strength::default()
    };
    sum.gate_at("sealgate:Gate".to_owned(), Placement::Layer, strength, None);
    sum.unknown = None;
}

/// Whether a declared public path, exact or with `/*`, means a route's path.
fn is_below(declared: &str, path: &str) -> bool {
    match declared.strip_suffix("/*") {
        Some(tree) => {
            path == tree
                || path
                    .strip_prefix(tree)
                    .is_some_and(|rest| rest.starts_with('/'))
        }
        None => declared == path,
    }
}

/// A class of the project's own for routes, where it catches denials.
fn route_class<'a>(interpreter: &mut Interpreter<'a>, route: &FlatRoute<'a>, sum: &mut Sum) {
    if sum.gates.is_empty() || !route.api || route.kind != Kind::Http {
        return;
    }
    let Some(class) = &route.route_class else {
        return;
    };
    let Some(caught) = super::route_class::caught(interpreter, class) else {
        return;
    };
    sum.caught = true;
    let mut judged = Judgement::unknown(caught.name, caught.why.clone());
    judged.spot = Some(caught.spot);
    judged.credential = true;
    judged.flaws.extend(caught.flaw);
    sum.judge(Placement::Decorator, &Rc::new(judged));
    sum.unknown = Some(caught.why);
}

/// `# sealgate: public(reason)` on the decorator or the function, or on the line above.
fn comment<'a>(interpreter: &mut Interpreter<'a>, route: &FlatRoute<'a>, sum: &mut Sum) {
    if sum.public.is_some() {
        return;
    }
    let sources = interpreter.sources;
    let start = interpreter.place(route.spot).line;
    let mut ranges = vec![(route.spot.module, start.saturating_sub(1), start)];
    if let Some(function) = interpreter.function_of(&route.endpoint)
        && let Definition::Function(definition) = function.definition
    {
        let first = definition
            .decorator_list
            .first()
            .map_or(definition.range, |first| first.range);
        let first = sources.line(function.module, first);
        let def = sources.line(function.module, definition.name.range);
        let above = first.saturating_sub(1);
        ranges.push((function.module, above, def));
    }
    for (module, from, to) in ranges {
        let found = sources
            .public_comments(module)
            .iter()
            .find(|(line, _)| (from..=to).contains(line));
        if let Some((_, reason)) = found {
            sum.public = Some(reason.clone());
            return;
        }
    }
}

fn conclude(config: &Config, route: &FlatRoute<'_>, sum: Sum) -> Assessment {
    let Sum {
        gates,
        strength,
        unknown,
        public,
        looked_at,
        dependencies,
        judged,
        flaws,
        caught,
        optional: _,
        met: _,
    } = sum;
    let proven = |gate: &Gate| {
        gate.placement != Placement::Handler || config.named_gate(&gate.name).is_some()
    };
    // What is not known of a router may hold mounts and files, which no dependency reaches.
    let whole = |gate: &Gate| {
        !(caught || route.unresolved.is_some() && route.path.ends_with("/*"))
            || matches!(gate.placement, Placement::Middleware | Placement::Layer)
    };
    // A gate that asks for a request fails before a WebSocket, which has none: an error, not a denial.
    let fails = |gate: &&Gate| {
        route.kind == Kind::Websocket
            && flaws
                .iter()
                .any(|(name, flaw)| flaw.kind == FlawKind::RequestTyped && **name == *gate.name)
    };
    let unknown = route.unresolved.clone().or(unknown);
    let (evidence, reason) = if gates
        .iter()
        .any(|gate| proven(gate) && whole(gate) && !fails(&gate))
    {
        (Evidence::GatedStatic, None)
    } else if let Some(reason) = public {
        (Evidence::Public, Some(reason))
    } else if let Some(gate) = gates.iter().find(fails) {
        let why = format!(
            "`{}` takes a `Request`, which a WebSocket has none of: it fails and does not deny",
            gate.name
        );
        (Evidence::Unresolved, Some(why))
    } else if let Some(gate) = gates.iter().find(|gate| !proven(gate)) {
        (Evidence::Unresolved, Some(by_hand(gate)))
    } else if let Some(why) = unknown {
        (Evidence::Unresolved, Some(why.to_string()))
    } else {
        (Evidence::Open, Some(open(route, &looked_at)))
    };
    Assessment {
        evidence,
        gates,
        strength,
        reason,
        dependencies,
        flaws,
        judged,
    }
}

/// Why a check that the handler makes itself is not enough, for people. It comes after the body was read and
/// parsed, no signature shows it, and the next edit may move it: somebody has to say that it counts.
fn by_hand(gate: &Gate) -> String {
    let place = gate
        .place
        .as_ref()
        .map(|place| format!(" ({place})"))
        .unwrap_or_default();
    format!(
        "its handler checks by itself, with `{}`{place}: make that a dependency, or name it in `gates`",
        gate.name
    )
}

/// Why a route counts as open, for people.
fn open(route: &FlatRoute<'_>, looked_at: &[Rc<str>]) -> String {
    match route.kind {
        Kind::Static => {
            return "dependencies do not reach files, and no middleware denies".to_owned();
        }
        Kind::Docs => return "the documentation is open to everybody".to_owned(),
        _ if looked_at.iter().any(|name| &**name == OPTIONAL) => {
            return "it lets in those who are not signed in, too: gate.optional".to_owned();
        }
        _ => {}
    }
    let short: Vec<&str> = looked_at
        .iter()
        .map(|name| name.rsplit(':').next().unwrap_or(name))
        .collect();
    match &short[..] {
        [] => "it depends on nothing, and nothing before it denies".to_owned(),
        [only] => format!("no dependency denies; `{only}` was looked at"),
        [first, second] => format!("no dependency denies; `{first}` and `{second}` were looked at"),
        [first, second, rest @ ..] => {
            format!(
                "no dependency denies; `{first}`, `{second}` and {} more were looked at",
                rest.len()
            )
        }
    }
}
