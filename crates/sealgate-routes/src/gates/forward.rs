//! Wrappers around gates that take whatever they are given: `@wraps(gate) def inner(*args, **kwargs)`. FastAPI
//! sees the parameters of what is wrapped; whether that is called, with those, is for the wrapper to say.

use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, ExprCall, ExprContext, Stmt};

use super::judge::judge;
use super::judgement::{Judgement, Verdict};
use super::{Gates, trial};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Definition, Function, Scope, Value};

/// What is to be said of a wrapper of which its own body says nothing, because of what it wraps.
pub(super) fn around<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    function: &Rc<Function<'a>>,
    receiver: Option<&Value<'a>>,
) -> Option<Judgement> {
    let wrapped = function.wraps.borrow().clone()?;
    if matches!(&wrapped, Value::Function(inner) if Rc::ptr_eq(inner, function)) {
        return None;
    }
    let wrapped = match (wrapped, receiver) {
        (Value::Function(function), Some(receiver)) => {
            Value::Method(Rc::new(crate::evaluate::value::Method {
                receiver: receiver.clone(),
                function,
            }))
        }
        (wrapped, _) => wrapped,
    };
    let inner = judge(interpreter, gates, &wrapped);
    if matches!(inner.verdict, Verdict::NotGate(_)) {
        return None;
    }
    let scope = gates.locals(interpreter, function, receiver);
    let mut search = Forward {
        interpreter,
        scope,
        function,
        wrapped,
    };
    let mut found = (*inner).clone();
    if let Some(why) = search.doubt() {
        found.verdict = Verdict::Unknown(why.into());
        found.strength = sealgate_inventory::Strength::default();
    }
    Some(found)
}

/// What becomes of what is handed over, after a statement.
enum Step {
    Next,
    Forwards,
    Doubt,
}

struct Forward<'f, 'a> {
    interpreter: &'f mut Interpreter<'a>,
    scope: Scope<'a>,
    function: &'f Rc<Function<'a>>,
    wrapped: Value<'a>,
}

impl<'a> Forward<'_, 'a> {
    /// Why it is not sure that the wrapper hands on what it is given, if it is not.
    fn doubt(&mut self) -> Option<&'static str> {
        const WHY: &str = "wraps a gate, and may not call it with what it is given";
        let sure = match self.function.definition {
            Definition::Lambda(lambda) => self.is_forward(&lambda.body),
            Definition::Function(definition) => {
                let kwargs = definition.parameters.kwarg.as_deref();
                let mut touched = Touched {
                    kwargs: kwargs.map_or("", |kwargs| kwargs.name.as_str()),
                    parameters: definition
                        .parameters
                        .iter()
                        .map(|parameter| parameter.name().as_str())
                        .collect(),
                    mentions: 0,
                    set: false,
                };
                touched.visit_body(&definition.body);
                !touched.set
                    && touched.mentions <= 1
                    && matches!(self.block(&definition.body), Step::Forwards)
            }
        };
        (!sure).then_some(WHY)
    }

    fn block(&mut self, body: &'a [Stmt]) -> Step {
        for statement in body {
            match self.statement(statement) {
                Step::Next => {}
                other => return other,
            }
        }
        Step::Next
    }

    fn statement(&mut self, statement: &'a Stmt) -> Step {
        let value = match statement {
            Stmt::Expr(inner) => Some(&*inner.value),
            Stmt::Assign(assign) => Some(&*assign.value),
            Stmt::AnnAssign(assign) => assign.value.as_deref(),
            Stmt::Return(returned) => {
                let forwards = returned
                    .value
                    .as_deref()
                    .is_some_and(|value| self.is_forward(value));
                return if forwards {
                    Step::Forwards
                } else {
                    Step::Doubt
                };
            }
            Stmt::Try(attempt) => {
                let again = |handler: &ExceptHandler| {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    matches!(handler.body.last(), Some(Stmt::Raise(raise)) if raise.exc.is_none())
                        && handler.body.iter().all(|statement| !ends(statement))
                };
                let finally = attempt.finalbody.iter().any(ends);
                if finally || !attempt.handlers.iter().all(again) {
                    return Step::Doubt;
                }
                return self.block(&attempt.body);
            }
            Stmt::Raise(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::With(_) => {
                return Step::Doubt;
            }
            _ if ends(statement) => return Step::Doubt,
            _ => None,
        };
        match value {
            Some(value) if self.is_forward(value) => Step::Forwards,
            _ => Step::Next,
        }
    }

    /// `wrapped(*args, **kwargs)`, awaited where it has to be.
    fn is_forward(&mut self, value: &'a Expr) -> bool {
        let (call, awaited) = match value {
            Expr::Await(inner) => (&*inner.value, true),
            other => (other, false),
        };
        let Expr::Call(call) = call else { return false };
        let callee = self.interpreter.evaluate(&call.func, &self.scope);
        let callees = callee.alternatives();
        if callees.len() != 1 || !self.is_wrapped(&callees[0]) {
            return false;
        }
        let runs = match self.interpreter.function_of(&self.wrapped) {
            Some(inner) => match inner.definition {
                // The body of a generator runs when somebody iterates over it.
                Definition::Function(definition) => {
                    definition.is_async == awaited && !trial::yields(&inner)
                }
                Definition::Lambda(_) => !awaited,
            },
            None => false,
        };
        runs && self.hands_over_all(call)
    }

    fn is_wrapped(&self, callee: &Value<'a>) -> bool {
        let plain = match &self.wrapped {
            Value::Method(method) => {
                matches!(callee, Value::Function(function) if Rc::ptr_eq(function, &method.function))
            }
            _ => false,
        };
        plain || callee.same(&self.wrapped)
    }

    fn hands_over_all(&self, call: &ExprCall) -> bool {
        let Some(parameters) = self.function.definition.parameters() else {
            return false;
        };
        let is = |value: &Expr, name: Option<&str>| matches!(value, Expr::Name(given) if Some(given.id.as_str()) == name);
        let kwargs = parameters
            .kwarg
            .as_deref()
            .map(|kwargs| kwargs.name.as_str());
        let args = parameters.vararg.as_deref().map(|args| args.name.as_str());
        let own: Vec<&str> = parameters
            .iter_non_variadic_params()
            .map(|parameter| parameter.parameter.name.as_str())
            .collect();
        let keywords = call
            .arguments
            .keywords
            .iter()
            .all(|keyword| match &keyword.arg {
                None => is(&keyword.value, kwargs),
                Some(name) => own.contains(&name.as_str()) && is(&keyword.value, Some(name)),
            });
        let all = kwargs.is_some()
            && call
                .arguments
                .keywords
                .iter()
                .any(|keyword| keyword.arg.is_none());
        let positional =
            call.arguments
                .args
                .iter()
                .enumerate()
                .all(|(at, argument)| match argument {
                    Expr::Starred(starred) => is(&starred.value, args),
                    other => is(other, own.get(at).copied()),
                });
        keywords && positional && all
    }
}

/// Whether a statement may end the function.
fn ends(statement: &Stmt) -> bool {
    struct Ends(bool);
    impl<'e> Visitor<'e> for Ends {
        fn visit_stmt(&mut self, statement: &'e Stmt) {
            match statement {
                Stmt::Return(_) => self.0 = true,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _ => walk_stmt(self, statement),
            }
        }
    }
    let mut search = Ends(false);
    search.visit_stmt(statement);
    search.0
}

/// What is done to what a wrapper was given.
struct Touched<'n> {
    kwargs: &'n str,
    parameters: Vec<&'n str>,
    mentions: usize,
    set: bool,
}

impl<'e> Visitor<'e> for Touched<'_> {
    fn visit_expr(&mut self, expression: &'e Expr) {
        if let Expr::Name(name) = expression {
            self.mentions += usize::from(name.id == *self.kwargs);
            self.set |=
                name.ctx != ExprContext::Load && self.parameters.contains(&name.id.as_str());
        }
        walk_expr(self, expression);
    }
}
