//! The walk through the statements and expressions of a body.

use std::rc::Rc;

use ruff_python_ast::{BoolOp, ExceptHandler, Expr, Stmt};

use super::soundness::{always_raises, makes_nothing};
use super::{Flow, Frame, Mode, Suppressed, Walker, outer};
use crate::evaluate::value::{Definition, Object, ScopeKind, Value};
use crate::gates::judgement::FlawKind;
use crate::gates::strength::Condition;
use crate::held;

impl<'a> Walker<'_, 'a> {
    /// Walks the whole function.
    pub(in crate::gates) fn run(&mut self) {
        match self.function.definition {
            Definition::Function(definition) => {
                if self.block(&definition.body) == Flow::Next && !self.done {
                    self.returns_to_who_brings_nothing();
                }
            }
            Definition::Lambda(lambda) => self.expression(&lambda.body, false),
        }
    }

    pub(in crate::gates) fn block(&mut self, body: &'a [Stmt]) -> Flow {
        let before = self.conditions.len();
        let mut flow = Flow::Next;
        for statement in body {
            if self.done || self.statement(statement) == Flow::Ends {
                flow = Flow::Ends;
                break;
            }
        }
        self.conditions.truncate(before);
        flow
    }

    pub(in crate::gates) fn statement(&mut self, statement: &'a Stmt) -> Flow {
        self.current = Some(statement);
        match statement {
            Stmt::Expr(inner) => {
                self.expression(&inner.value, false);
                self.unawaited(&inner.value);
                Flow::Next
            }
            Stmt::Assign(assign) => {
                self.expression(&assign.value, false);
                for target in &assign.targets {
                    self.assign(target, &assign.value);
                }
                Flow::Next
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.expression(value, false);
                    self.assign(&assign.target, value);
                }
                Flow::Next
            }
            Stmt::AugAssign(assign) => {
                self.expression(&assign.value, false);
                self.assign(&assign.target, &assign.value);
                Flow::Next
            }
            Stmt::Return(returned) => {
                if let Some(value) = &returned.value {
                    self.expression(value, false);
                }
                if !self.done {
                    self.returned(statement, returned.value.as_deref());
                }
                Flow::Ends
            }
            Stmt::Raise(raise) => {
                if let Some(exception) = &raise.exc {
                    self.expression(exception, false);
                    self.raise(statement, exception);
                }
                Flow::Ends
            }
            Stmt::If(branch) => {
                let mut tests: Vec<(Option<&'a Expr>, &'a [Stmt])> =
                    vec![(Some(&branch.test), &branch.body)];
                for clause in &branch.elif_else_clauses {
                    tests.push((clause.test.as_ref(), &clause.body));
                }
                self.branches(&tests)
            }
            Stmt::For(round) => {
                self.expression(&round.iter, false);
                self.assign(&round.target, &round.iter);
                self.block(&round.body);
                self.block(&round.orelse)
            }
            Stmt::While(round) => {
                self.expression(&round.test, false);
                self.conditions.push(Condition {
                    test: &round.test,
                    holds: true,
                    early: false,
                });
                let flow = self.block(&round.body);
                self.conditions.pop();
                if flow == Flow::Ends && matches!(&*round.test, Expr::BooleanLiteral(_)) {
                    return Flow::Ends;
                }
                self.block(&round.orelse)
            }
            Stmt::With(with) => self.with(with),
            Stmt::Match(choice) => self.choice(choice),
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::Assert(assert) => {
                self.expression(&assert.test, false);
                Flow::Next
            }
            Stmt::Continue(_) | Stmt::Break(_) => Flow::Ends,
            _ => Flow::Next,
        }
    }

    pub(in crate::gates) fn with(&mut self, with: &'a ruff_python_ast::StmtWith) -> Flow {
        let mut suppressed = None;
        for item in &with.items {
            self.expression(&item.context_expr, false);
            if let Some(target) = &item.optional_vars {
                self.assign(target, &item.context_expr);
            }
            suppressed = suppressed.or_else(|| self.suppressed(&item.context_expr));
        }
        let inside = suppressed.is_some();
        if let Some(value) = suppressed {
            self.frames.push(Frame {
                handlers: &[],
                suppresses: Some(Suppressed::Some(value)),
                caught: Vec::new(),
            });
        }
        let flow = self.block(&with.body);
        if inside {
            self.frames.pop();
        }
        flow
    }

    pub(in crate::gates) fn choice(&mut self, choice: &'a ruff_python_ast::StmtMatch) -> Flow {
        self.expression(&choice.subject, false);
        let mut all_end = !choice.cases.is_empty();
        let mut total = false;
        for case in &choice.cases {
            if let Some(guard) = &case.guard {
                self.conditions.push(Condition {
                    test: guard,
                    holds: true,
                    early: false,
                });
            }
            all_end &= self.block(&case.body) == Flow::Ends;
            if case.guard.is_some() {
                self.conditions.pop();
            }
            total |= case.guard.is_none() && case.pattern.is_irrefutable();
        }
        if all_end && total {
            Flow::Ends
        } else {
            Flow::Next
        }
    }

    pub(in crate::gates) fn branches(&mut self, tests: &[(Option<&'a Expr>, &'a [Stmt])]) -> Flow {
        let before = self.conditions.len();
        let known = self.out.denials.len();
        let mut early = Vec::new();
        let mut walked: Vec<(Option<&'a Expr>, &'a [Stmt], Flow)> = Vec::new();
        let mut total = false;
        let mut all_end = true;
        for (test, body) in tests {
            let Some(test) = test else {
                total = true;
                let flow = self.branch(body);
                walked.push((None, body, flow));
                all_end &= flow == Flow::Ends;
                // The others were taken, or nothing after this is reached.
                if flow == Flow::Ends
                    && let [(Some(first), _), (None, _)] = tests
                {
                    early.clear();
                    early.push(Condition {
                        test: first,
                        holds: true,
                        early: true,
                    });
                }
                break;
            };
            self.expression(test, false);
            match self.decided(test) {
                Some(false) => continue,
                Some(true) => {
                    total = true;
                    all_end &= self.block(body) == Flow::Ends;
                    break;
                }
                None => {}
            }
            self.conditions.push(Condition {
                test,
                holds: true,
                early: false,
            });
            let flow = self.branch(body);
            self.conditions.pop();
            walked.push((Some(test), body, flow));
            if flow == Flow::Ends {
                self.always_true(test);
                early.push(Condition {
                    test,
                    holds: false,
                    early: true,
                });
            } else {
                all_end = false;
            }
            self.conditions.push(Condition {
                test,
                holds: false,
                early: false,
            });
        }
        self.conditions.truncate(before);
        self.path_decisions(&walked, known);
        if total && all_end {
            return Flow::Ends;
        }
        self.conditions.extend(early);
        Flow::Next
    }

    fn branch(&mut self, body: &'a [Stmt]) -> Flow {
        self.branches.push(self.handed);
        let flow = self.block(body);
        self.branches.pop();
        flow
    }

    /// Whether a test is known because it asks only for what a factory was called with, or what an object was made
    /// with.
    pub(in crate::gates) fn decided(&mut self, test: &'a Expr) -> Option<bool> {
        if let Expr::BoolOp(several) = test {
            let settles = several.op == BoolOp::Or;
            if several
                .values
                .iter()
                .any(|value| self.decided(value) == Some(settles))
            {
                return Some(settles);
            }
        }
        if !self.is_closed(test) {
            return None;
        }
        self.interpreter.evaluate(test, &self.scope).truth()
    }

    pub(in crate::gates) fn is_closed(&self, test: &Expr) -> bool {
        match test {
            Expr::Name(name) => {
                let name = name.id.as_str();
                if self.scope.names.borrow().contains_key(name) {
                    return false;
                }
                let mut around = self.scope.parent.clone();
                while let Some(here) = around {
                    if here.names.borrow().contains_key(name) {
                        return here.kind == ScopeKind::Function;
                    }
                    around = outer(&here);
                }
                false
            }
            Expr::Attribute(attribute) => self
                .object(&attribute.value)
                .is_some_and(|object| held::decides(&object, &attribute.attr)),
            Expr::UnaryOp(unary) => self.is_closed(&unary.operand),
            Expr::BoolOp(several) => several.values.iter().all(|value| self.is_closed(value)),
            Expr::Compare(compare) => {
                self.is_closed(&compare.left)
                    && compare.comparators.iter().all(|side| self.is_closed(side))
            }
            Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::NumberLiteral(_) => true,
            _ => false,
        }
    }

    /// The object that `self`, or an attribute of it, stands for.
    fn object(&self, expression: &Expr) -> Option<Rc<Object<'a>>> {
        let found = match expression {
            Expr::Name(name) => self.scope.names.borrow().get(name.id.as_str()).cloned(),
            Expr::Attribute(attribute) => {
                let around = self.object(&attribute.value)?;
                around.fields.borrow().get(attribute.attr.as_str()).cloned()
            }
            _ => None,
        };
        match found {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        }
    }

    pub(in crate::gates) fn attempt(&mut self, attempt: &'a ruff_python_ast::StmtTry) -> Flow {
        let returns_at_last = attempt
            .finalbody
            .iter()
            .any(|last| matches!(last, Stmt::Return(_)));
        self.frames.push(Frame {
            handlers: &attempt.handlers,
            suppresses: returns_at_last.then_some(Suppressed::All),
            caught: Vec::new(),
        });
        let mut flow = self.block(&attempt.body);
        let frame = self.frames.pop();
        if self.done {
            return Flow::Ends;
        }
        if flow == Flow::Next && !attempt.orelse.is_empty() {
            flow = self.block(&attempt.orelse);
        }
        let caught = frame.map(|frame| frame.caught).unwrap_or_default();
        let mut all_end = true;
        for (index, handler) in attempt.handlers.iter().enumerate() {
            let ExceptHandler::ExceptHandler(handler) = handler;
            let known = self.out.denials.len();
            if let Some(name) = &handler.name {
                self.caught_as.push(name.as_str().into());
            }
            let ends = self.block(&handler.body) == Flow::Ends;
            if handler.name.is_some() {
                self.caught_as.pop();
            }
            all_end &= ends;
            // An answer is not let through, whatever it says.
            let answers = ends && self.mode == Mode::Answer;
            let harmless = answers || always_raises(&handler.body) || makes_nothing(&handler.body);
            if self.out.denials.len() == known && !harmless {
                for (by, _) in caught.iter().filter(|(by, _)| *by == index) {
                    let _ = by;
                    let what = handler
                        .type_
                        .as_deref()
                        .map_or("except:".into(), |of| self.source(of));
                    self.flaw(FlawKind::SwallowedDenial, handler, what);
                }
            }
        }
        self.block(&attempt.finalbody);
        if flow == Flow::Ends && all_end {
            Flow::Ends
        } else {
            Flow::Next
        }
    }

    pub(in crate::gates) fn suppressed(&mut self, context: &'a Expr) -> Option<Value<'a>> {
        let Expr::Call(call) = context else {
            return None;
        };
        let callee = self.value(&call.func);
        match callee {
            Value::External(path) if path.ends_with("suppress") => {
                let mut caught = Vec::new();
                for argument in &call.arguments.args {
                    caught.push(self.value(argument));
                }
                Some(Value::list(caught))
            }
            _ => None,
        }
    }

    /// Walks what is called in an expression, from the inside out.
    pub(in crate::gates) fn expression(&mut self, expression: &'a Expr, awaited: bool) {
        if self.done {
            return;
        }
        match expression {
            Expr::Yield(inner) => {
                if let Some(value) = &inner.value {
                    self.expression(value, false);
                }
                self.done = true;
            }
            Expr::YieldFrom(inner) => {
                self.expression(&inner.value, true);
                self.done = true;
            }
            Expr::Await(inner) => self.expression(&inner.value, true),
            Expr::Call(call) => {
                self.expression(&call.func, false);
                for argument in &call.arguments.args {
                    self.expression(argument, false);
                }
                for keyword in &call.arguments.keywords {
                    self.expression(&keyword.value, false);
                }
                if !self.done {
                    self.call(call, expression, awaited);
                }
            }
            Expr::Named(named) => {
                self.expression(&named.value, false);
                self.assign(&named.target, &named.value);
            }
            Expr::If(either) => {
                self.expression(&either.test, false);
                self.conditions.push(Condition {
                    test: &either.test,
                    holds: true,
                    early: false,
                });
                self.expression(&either.body, awaited);
                self.conditions.pop();
                self.conditions.push(Condition {
                    test: &either.test,
                    holds: false,
                    early: false,
                });
                self.expression(&either.orelse, awaited);
                self.conditions.pop();
            }
            Expr::BoolOp(several) => {
                for value in &several.values {
                    self.expression(value, awaited);
                }
            }
            Expr::UnaryOp(unary) => self.expression(&unary.operand, false),
            Expr::BinOp(binary) => {
                self.expression(&binary.left, false);
                self.expression(&binary.right, false);
            }
            Expr::Compare(compare) => {
                self.expression(&compare.left, false);
                for side in &compare.comparators {
                    self.expression(side, false);
                }
            }
            Expr::Attribute(attribute) => self.expression(&attribute.value, false),
            Expr::Subscript(subscript) => self.expression(&subscript.value, false),
            Expr::Starred(starred) => self.expression(&starred.value, false),
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .for_each(|item| self.expression(item, false)),
            Expr::List(list) => list
                .elts
                .iter()
                .for_each(|item| self.expression(item, false)),
            Expr::Dict(dict) => dict
                .items
                .iter()
                .for_each(|item| self.expression(&item.value, false)),
            Expr::ListComp(list) => self.expression(&list.elt, false),
            Expr::Generator(list) => self.expression(&list.elt, false),
            _ => {}
        }
        self.out.credential |= !self.out.credential && self.taint.reads(expression);
    }
}
