//! Decorators around handlers: wrappers of the tree that deny before they call what they wrap, and `@requires`.

use std::rc::Rc;

use ruff_text_size::Ranged;
use sealgate_inventory::{Level, Strength};

use super::body::{Mode, Walker};
use super::judge::at_least_user;
use super::judgement::{Judgement, Verdict};
use super::{Gates, libraries, trial};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Function, Spot, Value};

/// What the decorators of an endpoint do, from the outermost to the innermost, and the handler itself.
pub(super) struct Peeled<'a> {
    pub(super) gates: Vec<Rc<Judgement>>,
    /// Decorators of libraries and of the tree that are not understood.
    pub(super) unknown: Vec<Rc<str>>,
    pub(super) handler: Value<'a>,
}

/// More wrappers around one handler than this are not looked at.
const MOST: usize = 12;

pub(super) fn peel<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    endpoint: &Value<'a>,
) -> Peeled<'a> {
    let mut found = Peeled {
        gates: Vec::new(),
        unknown: Vec::new(),
        handler: endpoint.clone(),
    };
    for _ in 0..MOST {
        let (function, receiver) = match &found.handler {
            Value::Function(function) => (function.clone(), None),
            Value::Method(method) => (method.function.clone(), Some(method.receiver.clone())),
            Value::Wrapped(wrapped) => {
                let by = wrapped.by.clone();
                let inner = wrapped.inner.clone();
                note(&mut found, &by);
                found.handler = inner;
                continue;
            }
            Value::Partial(partial) => {
                found.handler = partial.callee.clone();
                continue;
            }
            _ => break,
        };
        let decorators = function.decorators.borrow().clone();
        for decorator in &decorators {
            note(&mut found, decorator);
        }
        let wrapped = function.wraps.borrow().clone();
        let Some(wrapped) = wrapped else { break };
        if matches!(&wrapped, Value::Function(inner) if Rc::ptr_eq(inner, &function)) {
            break;
        }
        if let Some(judged) = around(interpreter, gates, &function, receiver.as_ref(), &wrapped) {
            match tried(
                interpreter,
                gates,
                &function,
                receiver.as_ref(),
                &wrapped,
                &judged.name,
            ) {
                None => found.gates.push(Rc::new(judged)),
                Some(why) => found.unknown.push(why),
            }
        }
        found.handler = match (receiver, wrapped) {
            (Some(receiver), Value::Function(function)) => {
                Value::Method(Rc::new(crate::evaluate::value::Method {
                    receiver,
                    function,
                }))
            }
            (_, wrapped) => wrapped,
        };
    }
    found
}

fn note(found: &mut Peeled<'_>, decorator: &Value<'_>) {
    if let Some(judged) = libraries::requires(decorator) {
        found.gates.push(Rc::new(judged));
    }
}

/// Why a stranger comes, or may come, through a wrapper that denies.
fn tried<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    function: &Rc<Function<'a>>,
    receiver: Option<&Value<'a>>,
    wrapped: &Value<'a>,
    name: &str,
) -> Option<Rc<str>> {
    let quiet = std::mem::replace(&mut interpreter.quiet, true);
    let found = trial::wrapper(interpreter, gates, function, receiver, wrapped);
    interpreter.quiet = quiet;
    let what: Rc<str> = match found {
        trial::Found::Denies => return None,
        trial::Found::Open => "lets in whoever brings nothing".into(),
        trial::Found::PresenceOnly => "sees that a credential is there, not what it is".into(),
        trial::Found::Perhaps(why) => format!("is not understood: {why}").into(),
    };
    Some(format!("the decorator `{name}` {what}").into())
}

/// What a wrapper does before it calls what it wraps.
fn around<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    function: &Rc<Function<'a>>,
    receiver: Option<&Value<'a>>,
    wrapped: &Value<'a>,
) -> Option<Judgement> {
    let range = function.definition.range();
    let spot = Spot::new(function.module, range);
    let name = format!(
        "{}:{}",
        interpreter.sources.name(function.module),
        function.qualname
    );
    let quiet = std::mem::replace(&mut interpreter.quiet, true);
    let scope = gates.locals(interpreter, function, receiver);
    let mut walker = Walker::new(interpreter, gates, function.clone(), scope, Mode::Answer, 0);
    walker.note_carriers();
    walker.wrapped = Some(wrapped.clone());
    walker.run();
    let body = std::mem::take(&mut walker.out);
    interpreter.quiet = quiet;
    let sure = |denial: &&super::body::Denial<'a>| {
        denial.anonymous && !denial.configured && !denial.shaped
    };
    let denies: Vec<_> = body
        .denials
        .iter()
        .filter(sure)
        .filter(|denial| denial.status == 401 || body.credential)
        .collect();
    if denies.is_empty() || !gates.config.infer || gates.config.is_not_gate(&name) {
        return None;
    }
    let mut found = Judgement::new(name, Verdict::Gate);
    found.spot = Some(spot);
    found.credential = body.credential;
    found.statuses = denies.iter().map(|denial| denial.status).collect();
    let strength = Strength {
        level: Level::User,
        ..Strength::default()
    };
    found.strength = denies
        .iter()
        .fold(strength, |all, denial| all.and(&denial.strength));
    found.strength = at_least_user(found.strength);
    found.flaws = body.flaws;
    Some(found)
}
