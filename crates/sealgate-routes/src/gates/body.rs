//! What the body of a function does to a caller: whether it denies, by what, and what is wrong with it.
//!
//! The walk asks what happens to somebody who brings nothing. A denial that is only met by those who bring
//! something (`if token: ... raise 401`) keeps nobody out, so it makes no gate.

mod callee;
mod calls;
mod denials;
mod flow;
mod key;
mod settings;
mod soundness;
mod unset;

use std::rc::Rc;

use ruff_python_ast::{ExceptHandler, Expr, Stmt};
use ruff_text_size::Ranged;
use rustc_hash::FxHashMap;
use sealgate_inventory::Strength;

use super::Gates;
use super::bearing::{Bearing, Taint};
use super::judgement::{Flaw, FlawKind, Judgement};
use super::raised::{Thrown, response_status};
use super::strength::{Condition, source};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Function, Names, Scope, Spot, Value};

pub(super) use key::{Bodies, Key};
pub(super) use soundness::always_raises;

/// What a function does to a caller.
#[derive(Clone, Default)]
pub(crate) struct Body<'a> {
    pub(super) denials: Vec<Denial<'a>>,
    /// It returns on purpose for who brings nothing.
    pub(super) optional: bool,
    /// It looks at something that a caller identifies itself by.
    pub(super) credential: bool,
    /// What it returns is the path of the request.
    pub(super) returns_path: bool,
    /// Why it could not be followed all the way.
    pub(super) unknown: Option<Rc<str>>,
    pub(super) flaws: Vec<Flaw>,
    /// Gates that it calls.
    pub(super) through: Vec<Rc<Judgement>>,
}

/// A way in which a function turns callers away.
#[derive(Clone)]
pub(super) struct Denial<'a> {
    pub(super) status: u16,
    /// What is raised; `None` for an answer.
    pub(super) thrown: Option<Thrown<'a>>,
    pub(super) spot: Spot,
    /// Whether it meets those who bring nothing.
    pub(super) anonymous: bool,
    /// Whether it is only done under a condition on the configuration.
    pub(super) configured: bool,
    /// The setting without which it is not done, where it is plain which one that is.
    pub(super) only_if: Option<Flaw>,
    /// Whether it is only done on some paths, for some methods or the like.
    pub(super) shaped: bool,
    /// What it asks of those who pass.
    pub(super) strength: Strength,
}

/// How a function turns callers away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    /// What it returns goes to a handler: it has to raise.
    Dependency,
    /// What it returns is the answer: a handler, a middleware, a wrapper around a handler.
    Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Ends,
}

/// What is suppressed on the way out.
#[derive(Clone)]
enum Suppressed<'a> {
    /// `finally: return`
    All,
    /// `contextlib.suppress(...)` of these.
    Some(Value<'a>),
}

struct Frame<'a> {
    handlers: &'a [ExceptHandler],
    /// `finally` returns, or `contextlib.suppress(...)` of these.
    suppresses: Option<Suppressed<'a>>,
    /// Denials that a handler caught and did not raise again, and which handler.
    caught: Vec<(usize, Spot)>,
}

pub(super) struct Walker<'w, 'a> {
    pub(super) interpreter: &'w mut Interpreter<'a>,
    pub(super) gates: &'w mut Gates<'a>,
    pub(super) function: Rc<Function<'a>>,
    pub(super) scope: Scope<'a>,
    pub(super) taint: Taint,
    pub(super) bindings: Names<'a>,
    pub(super) mode: Mode,
    pub(super) depth: usize,
    pub(super) conditions: Vec<Condition<'a>>,
    frames: Vec<Frame<'a>>,
    /// The names that exceptions are caught as.
    caught_as: Vec<Rc<str>>,
    /// A WebSocket was closed with a code that denies.
    closing: Option<Spot>,
    /// Nothing after this comes before the handler: a `yield`, or the call of what is wrapped.
    pub(super) done: bool,
    /// What is wrapped: calling it ends what comes before.
    pub(super) wrapped: Option<Value<'a>>,
    /// The statement that is walked.
    current: Option<&'a Stmt>,
    /// Calls so far that were handed something that identifies the caller.
    handed: usize,
    /// What that number was where the branches around this began.
    branches: Vec<usize>,
    pub(super) out: Body<'a>,
    /// What names were given in this body last. The interpreter forgets those of a branch that ends.
    given: FxHashMap<&'a str, &'a Expr>,
}

/// Deeper calls than this are not followed.
const DEEPEST: usize = 8;

impl<'w, 'a> Walker<'w, 'a> {
    pub(super) fn new(
        interpreter: &'w mut Interpreter<'a>,
        gates: &'w mut Gates<'a>,
        function: Rc<Function<'a>>,
        scope: Scope<'a>,
        mode: Mode,
        depth: usize,
    ) -> Self {
        Self {
            interpreter,
            gates,
            function,
            scope,
            taint: Taint::default(),
            bindings: Names::default(),
            mode,
            depth,
            conditions: Vec::new(),
            frames: Vec::new(),
            caught_as: Vec::new(),
            closing: None,
            done: false,
            wrapped: None,
            current: None,
            handed: 0,
            branches: Vec::new(),
            out: Body::default(),
            given: FxHashMap::default(),
        }
    }

    /// What an expression stands for. Bodies are walked more than once, so it is kept.
    pub(super) fn value(&mut self, expression: &'a Expr) -> Value<'a> {
        let key = (
            std::ptr::from_ref(expression).addr(),
            Rc::as_ptr(&self.scope).addr(),
        );
        if let Some(known) = self.gates.values.get(&key) {
            return known.clone();
        }
        let mut value = self.interpreter.evaluate(expression, &self.scope);
        if let (Value::Unknown(_), Expr::Name(name)) = (&value, expression)
            && let Some(given) = self.given.get(name.id.as_str())
        {
            value = self.interpreter.evaluate(given, &self.scope);
        }
        self.gates.values.insert(key, value.clone());
        value
    }

    /// What is returned, as far as answers and exceptions go. Functions of the tree are followed only where what
    /// they give is the answer.
    fn value_of_return(&mut self, value: &'a Expr) -> Value<'a> {
        let value = match value {
            Expr::Await(inner) => &*inner.value,
            other => other,
        };
        match value {
            Expr::Name(_) => self.value(value),
            Expr::Call(call) => {
                let callee = self.value(&call.func);
                let library = callee
                    .alternatives()
                    .iter()
                    .any(|one| matches!(one, Value::External(_) | Value::Class(_)));
                if library || self.mode == Mode::Answer {
                    self.value(value)
                } else {
                    Value::None
                }
            }
            Expr::If(_) if self.mode == Mode::Answer => self.value(value),
            _ => Value::None,
        }
    }

    pub(super) fn spot(&self, node: impl Ranged) -> Spot {
        Spot::new(self.function.module, node.range())
    }

    pub(super) fn flaw(&mut self, kind: FlawKind, node: impl Ranged, text: impl Into<Rc<str>>) {
        let flaw = Flaw {
            kind,
            spot: self.spot(node),
            text: text.into(),
        };
        if !self.out.flaws.contains(&flaw) {
            self.out.flaws.push(flaw);
        }
    }

    fn source(&self, expression: &Expr) -> Rc<str> {
        source(self.interpreter, &self.scope, expression)
    }

    /// Notes the parameters that are annotated as a request, connection or WebSocket.
    pub(super) fn note_carriers(&mut self) {
        let Some(parameters) = self.function.definition.parameters() else {
            return;
        };
        let scope = self.function.scope.clone();
        for parameter in parameters.iter_non_variadic_params() {
            let Some(annotation) = &parameter.parameter.annotation else {
                continue;
            };
            let mut value = self.interpreter.annotation(annotation, &scope);
            if let Value::Annotated(annotated) = &value {
                value = annotated.base.clone();
            }
            let carries = value.alternatives().iter().any(|one| match one {
                Value::External(path) => is_carrier_class(path),
                Value::Class(_) => self.interpreter.inherits(one, "starlette.requests.Request"),
                _ => false,
            });
            if carries {
                self.taint
                    .carriers
                    .insert(parameter.parameter.name.as_str().into());
            }
        }
    }

    pub(super) fn brings_something(&self) -> bool {
        self.conditions.iter().any(|condition| {
            self.taint.bearing(condition.test, condition.holds) == Bearing::Present
        })
    }

    fn is_under(&self, bearing: Bearing) -> bool {
        self.conditions.iter().any(|condition| {
            !condition.early && self.taint.bearing(condition.test, condition.holds) == bearing
        })
    }

    fn returns_to_who_brings_nothing(&mut self) {
        let bearings: Vec<Bearing> = self
            .conditions
            .iter()
            .map(|condition| self.taint.bearing(condition.test, condition.holds))
            .collect();
        let absent = bearings.contains(&Bearing::Absent);
        let other = bearings
            .iter()
            .zip(&self.conditions)
            .any(|(bearing, condition)| !condition.early && *bearing == Bearing::Configured);
        if absent && !other && !bearings.contains(&Bearing::Present) {
            self.out.optional = true;
        }
    }

    fn returned(&mut self, statement: &'a Stmt, value: Option<&'a Expr>) {
        let closing = self.closing.take();
        if let Some(value) = value {
            if self.taint.is_path(value) {
                self.out.returns_path = true;
            }
            let made = self.value_of_return(value);
            if self.mode == Mode::Answer {
                if let Some(status) =
                    response_status(&made).or_else(|| self.leads_to_sign_in(&made))
                {
                    self.deny(status, None, statement);
                    return;
                }
            } else if self.depth == 0
                && (response_status(&made).is_some()
                    || !matches!(made, Value::Either(_)) && is_exception(&made))
            {
                let what = self.source(value);
                self.flaw(FlawKind::ReturnsTruthyObject, value, what);
            }
        }
        if closing.is_some() && self.mode == Mode::Answer {
            self.deny(1008, None, statement);
            return;
        }
        let calls_gate = value.is_some_and(|value| self.calls_what_denies(value));
        if !calls_gate {
            self.returns_to_who_brings_nothing();
        }
        self.returned_early(statement, value);
    }

    /// Whether the value comes from a call that was found to deny: then it is that call that decides.
    fn calls_what_denies(&self, value: &Expr) -> bool {
        let range = value.range();
        let spot = self.spot(range);
        self.out.denials.iter().any(|denial| {
            denial.spot.module == spot.module
                && denial.spot.range.0 >= spot.range.0
                && denial.spot.range.1 <= spot.range.1
        })
    }

    fn returned_early(&mut self, statement: &'a Stmt, value: Option<&'a Expr>) {
        let mut setting = None;
        let mut proven = false;
        for condition in &self.conditions {
            match self.taint.bearing(condition.test, condition.holds) {
                Bearing::Configured if !condition.early => setting = Some(*condition),
                Bearing::Judged | Bearing::Present => proven = true,
                _ => {}
            }
        }
        if proven {
            return;
        }
        // What hands the credential to something else lets that decide.
        let delegates = self
            .branches
            .last()
            .is_some_and(|before| self.handed > *before);
        if let Some(setting) = setting
            && !delegates
        {
            let mut what = self.source(setting.test);
            if !setting.holds {
                what = format!("not ({what})").into();
            }
            self.flaw(FlawKind::EarlyReturn, statement, what);
        }
        let Some(value) = value else { return };
        let made_up = match value {
            Expr::Dict(dict) => !dict.items.is_empty(),
            Expr::Call(call) => {
                let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
                let mut constants = call
                    .arguments
                    .args
                    .iter()
                    .chain(keywords)
                    .filter(|argument| argument.is_literal_expr());
                constants.next().is_some()
            }
            _ => false,
        };
        let class = matches!(value, Expr::Dict(_)) || self.makes_object(value);
        if made_up && class && !self.taint.touches(value) {
            let what = self.source(value);
            self.flaw(FlawKind::MockUser, value, what);
        }
    }

    fn makes_object(&mut self, value: &'a Expr) -> bool {
        let Expr::Call(call) = value else {
            return false;
        };
        let callee = self.value(&call.func);
        matches!(callee, Value::Class(_))
            || matches!(&callee, Value::External(path)
                if path.rsplit('.').next().is_some_and(|last| last.starts_with(char::is_uppercase)))
    }

    /// The status of a redirect to where people sign in.
    fn leads_to_sign_in(&self, value: &Value<'a>) -> Option<u16> {
        super::raised::leads_to_sign_in(self.gates, value)
    }
}

/// What is around a scope.
fn outer<'a>(scope: &Scope<'a>) -> Option<Scope<'a>> {
    scope.parent.clone()
}

fn is_exception(value: &Value<'_>) -> bool {
    matches!(value, Value::Made(made)
        if made.called && super::raised::framework_exception(&made.callee).is_some())
}

/// Where the function stands among the arguments of what runs it elsewhere.
fn runs_elsewhere(path: &str) -> Option<usize> {
    match path.rsplit('.').next()? {
        "run_in_threadpool" | "to_thread" | "run_sync" => Some(0),
        _ => None,
    }
}

/// Whether this class of a library carries a request.
pub(super) fn is_carrier_class(path: &str) -> bool {
    matches!(path.split('.').next(), Some("fastapi" | "starlette"))
        && matches!(
            path.rsplit('.').next(),
            Some("Request" | "HTTPConnection" | "WebSocket")
        )
}

/// Whether a function was defined in the body of another one.
pub(super) fn is_inside(inner: &Function<'_>, outer: &Function<'_>) -> bool {
    let (inner_range, outer_range) = (inner.definition.range(), outer.definition.range());
    inner.module == outer.module
        && inner_range != outer_range
        && outer_range.contains_range(inner_range)
}

/// Where what a method is bound to lies in memory: what makes two receivers the same.
pub(super) fn address(receiver: &Value<'_>) -> usize {
    match receiver {
        Value::Object(object) => Rc::as_ptr(object).addr(),
        Value::Class(class) => Rc::as_ptr(class).addr(),
        Value::Made(made) => Rc::as_ptr(made).addr(),
        _ => 0,
    }
}
