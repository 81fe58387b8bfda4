//! Middleware that denies, and for which routes it does.
//!
//! Its body is followed for somebody who brings nothing and asks for one route: conditions on the path and the
//! method are judged for that route, conditions on the credential are taken as they are for a stranger.

mod pass;
mod truth;

use std::rc::Rc;

use ruff_text_size::Ranged;
use sealgate_inventory::{Kind, Level, Strength};

use super::body::{Body, Mode, Walker};
use super::judgement::{Flaw, Judgement, Verdict};
use super::paths::Template;
use super::trial::{self, Passage};
use super::{Gates, libraries};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Definition, Function, Spot, Value};
use crate::framework::{FlatRoute, Known, Middleware};
use pass::{Outcome, Pass};

/// Whether a middleware denies strangers on a route.
#[derive(Clone, Debug)]
pub(crate) enum Covered {
    Yes(Rc<Judgement>),
    No,
    Perhaps(Rc<str>),
}

/// What handles a request in a middleware.
#[derive(Clone)]
pub(super) struct Entrance<'a> {
    function: Rc<Function<'a>>,
    receiver: Option<Value<'a>>,
    /// Only HTTP comes by here: `BaseHTTPMiddleware`, `@app.middleware("http")`.
    http_only: bool,
    /// The parameter with which the next one is called; nothing in plain ASGI.
    next: Option<Rc<str>>,
}

/// What is known of middleware, or why nothing is.
pub(super) type Entrances<'a> =
    rustc_hash::FxHashMap<usize, (Rc<Middleware<'a>>, Result<Entrance<'a>, Rc<str>>)>;

/// Whether `middleware` denies strangers on `route`, and what is wrong with it.
pub(crate) fn covers<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    middleware: &Rc<Middleware<'a>>,
    route: &FlatRoute<'a>,
) -> Covered {
    let name = interpreter.name_of(&middleware.callee);
    if gates.config.is_not_gate(&name) {
        return Covered::No;
    }
    if let Some(gate) = gates.config.named_gate(&name) {
        let mut found = Judgement::new(name, Verdict::Gate);
        found.strength = super::judge::at_least_user(gate.strength.clone().unwrap_or_default());
        return conditional(middleware, Covered::Yes(Rc::new(found)));
    }
    if let Value::External(path) = &middleware.callee {
        return if libraries::is_harmless_middleware(path) {
            Covered::No
        } else {
            Covered::Perhaps(
                format!("what the middleware `{path}` does is not in the source").into(),
            )
        };
    }
    let entrance = match entrance(interpreter, gates, middleware) {
        Ok(entrance) => entrance,
        Err(why) => return Covered::Perhaps(why),
    };
    let websocket = route.kind == Kind::Websocket;
    if websocket && entrance.http_only {
        return Covered::No;
    }
    if !gates.config.infer {
        return Covered::No;
    }
    let walked = walk(interpreter, gates, &entrance, route);
    let denies = walked.0.denies == Some(401);
    let found = match judged(interpreter, &entrance, walked, name) {
        Covered::Yes(judged) => tried(interpreter, gates, &entrance, route, judged),
        // What the first look does not understand, the second may: a helper that judges.
        Covered::Perhaps(why) if denies && !gates.sure => {
            let mut found = Judgement::new(interpreter.name_of(&middleware.callee), Verdict::Gate);
            found.spot = Some(Spot::new(
                entrance.function.module,
                entrance.function.definition.range(),
            ));
            found.statuses.insert(401);
            found.credential = true;
            found.strength = Strength {
                level: Level::User,
                ..Strength::default()
            };
            match tried(interpreter, gates, &entrance, route, Rc::new(found)) {
                Covered::Yes(judged) => Covered::Yes(judged),
                _ => Covered::Perhaps(why),
            }
        }
        other => other,
    };
    conditional(middleware, found)
}

/// Sends strangers through a middleware that was found to deny.
fn tried<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    entrance: &Entrance<'a>,
    route: &FlatRoute<'a>,
    judged: Rc<Judgement>,
) -> Covered {
    if gates.sure {
        return Covered::Yes(judged);
    }
    let passage = Passage {
        function: &entrance.function,
        receiver: entrance.receiver.as_ref(),
        request: positional(&entrance.function, entrance.receiver.is_some())
            .first()
            .cloned(),
        next: entrance.next.clone(),
        route,
        template: template(route),
    };
    let quiet = std::mem::replace(&mut interpreter.quiet, true);
    let found = trial::middleware(interpreter, gates, &passage);
    interpreter.quiet = quiet;
    let what: Rc<str> = match found {
        trial::Found::Denies => return Covered::Yes(judged),
        trial::Found::Open => "lets in whoever brings nothing".into(),
        trial::Found::PresenceOnly => "sees that a credential is there, not what it is".into(),
        trial::Found::Perhaps(why) => format!("is not understood: {why}").into(),
    };
    Covered::Perhaps(format!("the middleware `{}` {what}", judged.name).into())
}

/// The path of a route. What is mounted has all paths below it.
fn template(route: &FlatRoute<'_>) -> Template {
    let below = matches!(route.kind, Kind::Mount | Kind::Static | Kind::Frontend);
    let path = if below {
        format!("{}/*", route.path.trim_end_matches('/'))
    } else {
        route.path.clone()
    };
    Template::new(&path)
}

fn conditional(middleware: &Middleware<'_>, covered: Covered) -> Covered {
    match (covered, middleware.added.conditions.first()) {
        (Covered::Yes(found), Some(condition)) => Covered::Perhaps(
            format!(
                "the middleware `{}` is only added when `{condition}`",
                found.name
            )
            .into(),
        ),
        (covered, _) => covered,
    }
}

fn judged<'a>(
    interpreter: &Interpreter<'a>,
    entrance: &Entrance<'a>,
    (outcome, body): (Outcome, Body<'a>),
    name: String,
) -> Covered {
    let _ = interpreter;
    let Some(status) = outcome.denies else {
        return Covered::No;
    };
    if !body.credential && status != 401 {
        return Covered::No;
    }
    if outcome.passes || outcome.falls {
        return match outcome.vague {
            Some(why) => Covered::Perhaps(why),
            None => Covered::No,
        };
    }
    let mut found = Judgement::new(name, Verdict::Gate);
    let range = entrance.function.definition.range();
    found.spot = Some(Spot::new(entrance.function.module, range));
    found.statuses.insert(status);
    found.credential = true;
    found.strength = Strength {
        level: Level::User,
        ..Strength::default()
    };
    found.flaws = body.flaws;
    Covered::Yes(Rc::new(found))
}

/// The flaws of a middleware, whatever it covers.
pub(crate) fn flaws<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    middleware: &Rc<Middleware<'a>>,
    route: &FlatRoute<'a>,
) -> Vec<Flaw> {
    match entrance(interpreter, gates, middleware) {
        Ok(entrance) => {
            let (outcome, body) = walk(interpreter, gates, &entrance, route);
            if outcome.denies.is_some() {
                body.flaws
            } else {
                Vec::new()
            }
        }
        Err(_) => Vec::new(),
    }
}

fn entrance<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    middleware: &Rc<Middleware<'a>>,
) -> Result<Entrance<'a>, Rc<str>> {
    let key = Rc::as_ptr(middleware).addr();
    if let Some((_, known)) = gates.entrances.get(&key) {
        return known.clone();
    }
    let quiet = std::mem::replace(&mut interpreter.quiet, true);
    let found = find_entrance(interpreter, middleware);
    interpreter.quiet = quiet;
    gates
        .entrances
        .insert(key, (middleware.clone(), found.clone()));
    found
}

fn find_entrance<'a>(
    interpreter: &mut Interpreter<'a>,
    middleware: &Rc<Middleware<'a>>,
) -> Result<Entrance<'a>, Rc<str>> {
    let callee = &middleware.callee;
    let name = interpreter.name_of(callee);
    let lost = || -> Rc<str> {
        match callee {
            Value::Unknown(why) => {
                format!("which middleware stands before it cannot be told: {why}").into()
            }
            _ => format!("it is not known what the middleware `{name}` does").into(),
        }
    };
    if middleware.dispatch {
        return dispatch(interpreter, callee).ok_or_else(lost);
    }
    if let Value::Known(Known::BaseHttpMiddleware) = callee {
        let given = middleware.arguments.keyword("dispatch").cloned();
        return given
            .and_then(|given| dispatch(interpreter, &given))
            .ok_or_else(lost);
    }
    let made = match callee {
        Value::Class(_) | Value::Function(_) | Value::Partial(_) => {
            let mut arguments = middleware.arguments.clone();
            if arguments.keyword("app").is_none() {
                arguments
                    .positional
                    .insert(0, Value::unknown("it is the application"));
            }
            let arguments = Arguments { ..arguments };
            interpreter.call(callee, arguments, middleware.added.spot)
        }
        other => other.clone(),
    };
    match &made {
        Value::Object(object) => {
            let class = object.class.clone().map(Value::Class);
            let base = class
                .as_ref()
                .and_then(|class| interpreter.known_base(class));
            if base == Some(Known::BaseHttpMiddleware)
                || object.known == Some(Known::BaseHttpMiddleware)
            {
                let method = interpreter.attribute(&made, "dispatch");
                return dispatch(interpreter, &method).ok_or_else(lost);
            }
            match interpreter.attribute(&made, "__call__") {
                Value::Method(method) => Ok(Entrance {
                    function: method.function.clone(),
                    receiver: Some(made.clone()),
                    http_only: false,
                    next: None,
                }),
                _ => Err(lost()),
            }
        }
        Value::Function(function) => Ok(Entrance {
            function: function.clone(),
            receiver: None,
            http_only: false,
            next: None,
        }),
        _ => Err(lost()),
    }
}

/// The function that is called with the request and what comes next.
fn dispatch<'a>(interpreter: &mut Interpreter<'a>, callee: &Value<'a>) -> Option<Entrance<'a>> {
    let function = interpreter.function_of(callee)?;
    let receiver = match callee {
        Value::Method(method) => Some(method.receiver.clone()),
        Value::Object(_) => Some(callee.clone()),
        _ => None,
    };
    let names = positional(&function, receiver.is_some());
    let next = names.get(1).cloned()?;
    Some(Entrance {
        function,
        receiver,
        http_only: true,
        next: Some(next),
    })
}

/// The names of the positional parameters, without `self`.
fn positional(function: &Function<'_>, bound: bool) -> Vec<Rc<str>> {
    let parameters = function.definition.parameters();
    let all = parameters
        .into_iter()
        .flat_map(|all| all.posonlyargs.iter().chain(&all.args));
    all.skip(usize::from(bound))
        .map(|parameter| parameter.parameter.name.as_str().into())
        .collect()
}

fn walk<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    entrance: &Entrance<'a>,
    route: &FlatRoute<'a>,
) -> (Outcome, Body<'a>) {
    let quiet = std::mem::replace(&mut interpreter.quiet, true);
    let function = entrance.function.clone();
    let scope = gates.locals(interpreter, &function, entrance.receiver.as_ref());
    let mut walker = Walker::new(interpreter, gates, function.clone(), scope, Mode::Answer, 0);
    walker.note_carriers();
    let names = positional(&function, entrance.receiver.is_some());
    if let Some(first) = names.first() {
        walker.taint.carriers.insert(first.clone());
    }
    let mut pass = Pass {
        walker,
        template: template(route),
        methods: route.methods.clone(),
        websocket: route.kind == Kind::Websocket,
        next: entrance.next.clone(),
        scope_name: if entrance.next.is_none() {
            names.first().cloned()
        } else {
            None
        },
        guarded: 0,
    };
    let outcome = match function.definition {
        Definition::Function(definition) => pass.block(&definition.body),
        Definition::Lambda(_) => Outcome {
            passes: true,
            ..Outcome::default()
        },
    };
    let body = std::mem::take(&mut pass.walker.out);
    pass.walker.interpreter.quiet = quiet;
    (outcome, body)
}
