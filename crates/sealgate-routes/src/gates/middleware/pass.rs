//! The way of somebody who brings nothing through a middleware, for one route.

use std::rc::Rc;

use ruff_python_ast::{BoolOp, ExceptHandler, Expr, ExprCall, Stmt, UnaryOp};

use super::positional;
use super::truth::Truth;
use crate::evaluate::value::{Definition, Value};
use crate::gates::bearing::{Bearing, Taint};
use crate::gates::body::{Flow, Walker};
use crate::gates::paths::{Holds, PathReader, Template};
use crate::gates::strength::source;

/// How a piece of a middleware may end for a stranger.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) denies: Option<u16>,
    /// The request goes on to what comes next.
    pub(super) passes: bool,
    /// It goes on with the next statement.
    pub(super) falls: bool,
    /// Why it is not sure which of these.
    pub(super) vague: Option<Rc<str>>,
}

impl Outcome {
    pub(super) fn falls() -> Self {
        Self {
            falls: true,
            ..Self::default()
        }
    }

    pub(super) fn denies(status: u16) -> Self {
        Self {
            denies: Some(status),
            ..Self::default()
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            denies: self.denies.or(other.denies),
            passes: self.passes || other.passes,
            falls: self.falls || other.falls,
            vague: self.vague.or(other.vague),
        }
    }

    pub(super) fn only_denies(&self) -> bool {
        self.denies.is_some() && !self.passes && !self.falls
    }
}

/// What a condition is for a stranger who asks for the route.
pub(super) enum Test {
    Yes,
    No,
    /// It depends on the credential.
    Judged,
    Perhaps(Rc<str>),
}

pub(super) struct Pass<'w, 'a> {
    pub(super) walker: Walker<'w, 'a>,
    pub(super) template: Template,
    pub(super) methods: Vec<String>,
    pub(super) websocket: bool,
    pub(super) next: Option<Rc<str>>,
    pub(super) scope_name: Option<Rc<str>>,
    /// How many `try` around have a handler that denies.
    pub(super) guarded: usize,
}

impl<'a> Pass<'_, 'a> {
    pub(super) fn block(&mut self, body: &'a [Stmt]) -> Outcome {
        let mut found = Outcome::falls();
        for statement in body {
            if !found.falls {
                break;
            }
            found.falls = false;
            let next = self.statement(statement);
            found = found.or(next);
        }
        found
    }

    pub(super) fn statement(&mut self, statement: &'a Stmt) -> Outcome {
        match statement {
            Stmt::If(branch) => {
                let mut tests: Vec<(Option<&'a Expr>, &'a [Stmt])> =
                    vec![(Some(&branch.test), &branch.body)];
                for clause in &branch.elif_else_clauses {
                    tests.push((clause.test.as_ref(), &clause.body));
                }
                self.branches(&tests)
            }
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::With(with) => {
                for item in &with.items {
                    self.walker.expression(&item.context_expr, false);
                }
                self.block(&with.body)
            }
            Stmt::For(round) => {
                let inner = self.block(&round.body);
                Outcome::falls().or(Outcome {
                    falls: true,
                    ..inner
                })
            }
            Stmt::While(round) => {
                let inner = self.block(&round.body);
                Outcome::falls().or(Outcome {
                    falls: true,
                    ..inner
                })
            }
            _ => self.plain(statement),
        }
    }

    pub(super) fn branches(&mut self, tests: &[(Option<&'a Expr>, &'a [Stmt])]) -> Outcome {
        let Some(((test, body), rest)) = tests.split_first() else {
            return Outcome::falls();
        };
        let Some(test) = test else {
            return self.block(body);
        };
        // What a test calls may deny by itself, and names may be bound in it.
        let denied = self.denied_by(|walker| walker.expression(test, false));
        if let Some(status) = denied {
            return Outcome::denies(status);
        }
        self.walker.path_decision(test);
        match self.test(test) {
            Test::Yes => self.block(body),
            Test::No => self.branches(rest),
            Test::Judged => {
                let inside = self.block(body);
                let outside = self.branches(rest);
                self.walker.out.credential = true;
                // The credential decides, and a stranger has none.
                if inside.only_denies() {
                    inside
                } else if outside.only_denies() {
                    outside
                } else {
                    inside.or(outside)
                }
            }
            Test::Perhaps(why) => {
                let inside = self.block(body);
                let outside = self.branches(rest);
                let differ = inside.denies.is_some() != outside.denies.is_some()
                    || inside.passes != outside.passes
                    || inside.falls != outside.falls;
                let mut both = inside.or(outside);
                if differ {
                    both.vague = both.vague.or(Some(why));
                }
                both
            }
        }
    }

    pub(super) fn test(&mut self, test: &'a Expr) -> Test {
        match test {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => match self.test(&unary.operand) {
                Test::Yes => Test::No,
                Test::No => Test::Yes,
                other => other,
            },
            Expr::BoolOp(several) => {
                let and = several.op == BoolOp::And;
                let mut perhaps = None;
                let mut judged = false;
                let mut decided = false;
                for value in &several.values {
                    match self.test(value) {
                        Test::Yes => decided |= !and,
                        Test::No => decided |= and,
                        Test::Judged => judged = true,
                        Test::Perhaps(why) => perhaps = Some(why),
                    }
                }
                if decided {
                    return if and { Test::No } else { Test::Yes };
                }
                match perhaps {
                    Some(why) => Test::Perhaps(why),
                    None if judged => Test::Judged,
                    None if and => Test::Yes,
                    None => Test::No,
                }
            }
            _ => self.atom(test),
        }
    }

    pub(super) fn atom(&mut self, test: &'a Expr) -> Test {
        let scope = self.walker.scope.clone();
        let holds = PathReader {
            interpreter: self.walker.interpreter,
            scope: &scope,
            taint: &self.walker.taint,
            template: &self.template,
            methods: &self.methods,
            websocket: self.websocket,
        }
        .holds(test);
        let what = source(self.walker.interpreter, &scope, test);
        let why: Rc<str> = format!("a middleware decides by `{what}`").into();
        match holds {
            Some(Holds::Yes) => return Test::Yes,
            Some(Holds::No) => return Test::No,
            Some(Holds::Perhaps) => return Test::Perhaps(why),
            None => {}
        }
        match self.walker.taint.bearing(test, true) {
            // What was found out about the caller may be an error as well as an actor.
            Bearing::Present | Bearing::Absent if matches!(test, Expr::Name(_)) => Test::Judged,
            Bearing::Present => Test::No,
            Bearing::Absent => Test::Yes,
            Bearing::Judged => Test::Judged,
            Bearing::Shape | Bearing::Configured => match self.helper(test) {
                Some(found) => found,
                None => Test::Perhaps(why),
            },
        }
    }

    /// `if self.is_public(request.url.path):` and `if is_public(request):`, where that is one `return`.
    pub(super) fn helper(&mut self, test: &'a Expr) -> Option<Test> {
        let Expr::Call(call) = test else {
            return None;
        };
        let callee = self.walker.value(&call.func);
        let function = self.walker.interpreter.function_of(&callee)?;
        let Definition::Function(definition) = function.definition else {
            return None;
        };
        let bound = matches!(callee, Value::Method(_));
        let names = positional(&function, bound);
        let mut taint = Taint::default();
        for (name, argument) in names.iter().zip(&call.arguments.args) {
            if self.walker.taint.is_path(argument) {
                taint.paths.insert(name.clone());
            } else if self.walker.taint.is_carrier(argument) {
                taint.carriers.insert(name.clone());
            }
        }
        let receiver = match &callee {
            Value::Method(method) => Some(method.receiver.clone()),
            _ => None,
        };
        let scope = self
            .walker
            .gates
            .locals(self.walker.interpreter, &function, receiver.as_ref());
        let mut truth = Truth {
            interpreter: self.walker.interpreter,
            scope,
            taint,
            template: &self.template,
            methods: &self.methods,
            websocket: self.websocket,
        };
        let holds = truth.block(&definition.body)?;
        let what = source(self.walker.interpreter, &self.walker.scope, test);
        Some(match holds {
            Holds::Yes => Test::Yes,
            Holds::No => Test::No,
            Holds::Perhaps => Test::Perhaps(format!("a middleware decides by `{what}`").into()),
        })
    }

    pub(super) fn attempt(&mut self, attempt: &'a ruff_python_ast::StmtTry) -> Outcome {
        let mut handlers = Outcome::default();
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            handlers = handlers.or(self.block(&handler.body));
        }
        let denies = handlers.denies.is_some();
        self.guarded += usize::from(denies);
        let mut found = self.block(&attempt.body);
        self.guarded -= usize::from(denies);
        if found.falls && !attempt.orelse.is_empty() {
            found.falls = false;
            let next = self.block(&attempt.orelse);
            found = found.or(next);
        }
        if handlers.passes || handlers.falls && found.only_denies() && !denies {
            // A stranger gets on by way of a handler.
            found.passes |= handlers.passes;
            found.falls |= handlers.falls;
        }
        found
    }

    /// The denial of what a walk over a piece of the body adds.
    pub(super) fn denied_by(&mut self, walk: impl FnOnce(&mut Walker<'_, 'a>)) -> Option<u16> {
        let known = self.walker.out.denials.len();
        walk(&mut self.walker);
        let denial = self.walker.out.denials[known..]
            .iter()
            .find(|denial| denial.anonymous)?;
        Some(denial.status)
    }

    pub(super) fn plain(&mut self, statement: &'a Stmt) -> Outcome {
        if self.calls_next(statement) {
            return Outcome {
                passes: true,
                ..Outcome::default()
            };
        }
        let known = self.walker.out.denials.len();
        let flow = self.walker.statement(statement);
        let denial = self.walker.out.denials[known..]
            .iter()
            .find(|denial| denial.anonymous);
        if let Some(denial) = denial {
            return Outcome::denies(denial.status);
        }
        // In a `try` that ends in a denial, it is what reads the credential that fails for a stranger.
        if self.guarded > 0 && self.reads_credential(statement) {
            self.walker.out.credential = true;
            return Outcome::denies(401);
        }
        match statement {
            Stmt::Return(_) | Stmt::Raise(_) => Outcome::default(),
            _ if flow == Flow::Ends => Outcome::falls(),
            _ => Outcome::falls(),
        }
    }

    pub(super) fn reads_credential(&self, statement: &'a Stmt) -> bool {
        let value = match statement {
            Stmt::Expr(inner) => &*inner.value,
            Stmt::Assign(assign) => &*assign.value,
            _ => return false,
        };
        let value = match value {
            Expr::Await(inner) => &*inner.value,
            other => other,
        };
        matches!(value, Expr::Call(call)
            if crate::gates::bearing::key_of_get(value).is_none() && hands(&self.walker.taint, call))
    }

    /// Whether a statement hands the request on.
    pub(super) fn calls_next(&mut self, statement: &'a Stmt) -> bool {
        use ruff_python_ast::visitor::{Visitor, walk_expr};
        struct Search<'s> {
            next: Option<&'s str>,
            scope: Option<&'s str>,
            found: bool,
        }
        impl<'e> Visitor<'e> for Search<'_> {
            fn visit_expr(&mut self, expression: &'e Expr) {
                if let Expr::Call(call) = expression {
                    let by_name = matches!(&*call.func, Expr::Name(name) if Some(name.id.as_str()) == self.next);
                    let plain = matches!(call.arguments.args.first(),
                        Some(Expr::Name(name)) if Some(name.id.as_str()) == self.scope)
                        && call.arguments.args.len() == 3
                        && matches!(&*call.func, Expr::Name(_) | Expr::Attribute(_));
                    self.found |= by_name || plain;
                }
                walk_expr(self, expression);
            }
        }
        // A response is called like an application: it is none.
        if let Stmt::Expr(inner) = statement
            && let Expr::Await(awaited) = &*inner.value
            && let Expr::Call(call) = &*awaited.value
            && let Expr::Name(name) = &*call.func
            && self.is_response(&call.func, name.id.as_str())
        {
            return false;
        }
        let mut search = Search {
            next: self.next.as_deref(),
            scope: self.scope_name.as_deref(),
            found: false,
        };
        search.visit_stmt(statement);
        search.found
    }

    pub(super) fn is_response(&mut self, called: &'a Expr, name: &str) -> bool {
        let is_one = |value: &Value<'a>| {
            let mut each = value.alternatives().iter();
            each.any(|one| matches!(one, Value::Made(made) if made.callee.ends_with("Response")))
        };
        self.walker
            .scope
            .names
            .borrow()
            .get(name)
            .is_some_and(is_one)
            || is_one(&self.walker.value(called))
    }
}

pub(super) fn hands(taint: &Taint, call: &ExprCall) -> bool {
    let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
    call.arguments
        .args
        .iter()
        .chain(keywords)
        .any(|argument| taint.touches(argument))
}
