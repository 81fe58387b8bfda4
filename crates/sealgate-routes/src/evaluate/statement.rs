//! Statements.

use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt, StmtFor, StmtFunctionDef, StmtTry, StmtWith};
use ruff_text_size::Ranged;

use super::value::{Scope, ScopeKind, Spot, Value};
use super::{Flow, Frame, Interpreter, MOST_ROUNDS};

impl<'a> Interpreter<'a> {
    /// Runs statements one after the other.
    pub(super) fn block(
        &mut self,
        body: &'a [Stmt],
        scope: &Scope<'a>,
        frame: &mut Frame<'a>,
    ) -> Flow {
        for statement in body {
            let flow = self.statement(statement, scope, frame);
            if flow != Flow::On {
                return flow;
            }
        }
        Flow::On
    }

    fn statement(&mut self, statement: &'a Stmt, scope: &Scope<'a>, frame: &mut Frame<'a>) -> Flow {
        if !self.step() {
            return Flow::Ends;
        }
        match statement {
            Stmt::FunctionDef(def) => self.define(def, scope),
            Stmt::ClassDef(def) => {
                let class = self.class(def, scope);
                if scope.kind == ScopeKind::Module && self.is_candidate(scope.module) {
                    self.defined.push(Value::Class(Rc::clone(&class)));
                }
                let mut value = Value::Class(class);
                for decorator in def.decorator_list.iter().rev() {
                    let by = self.evaluate(&decorator.expression, scope);
                    let spot = Spot::new(scope.module, decorator.range());
                    value = self.decorated(&by, value, spot);
                }
                self.bind(scope, def.name.as_str(), value);
            }
            Stmt::Return(back) => {
                let value = match &back.value {
                    Some(value) => self.evaluate(value, scope),
                    None => Value::None,
                };
                frame.returns.push(value);
                return Flow::Ends;
            }
            Stmt::Raise(raise) => {
                if let Some(raised) = &raise.exc {
                    self.evaluate(raised, scope);
                }
                return Flow::Ends;
            }
            Stmt::Break(_) => return Flow::Breaks,
            Stmt::Continue(_) => return Flow::Next,
            Stmt::Assign(assign) => {
                let value = self.evaluate(&assign.value, scope);
                for target in &assign.targets {
                    self.assign(target, value.clone(), scope);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.evaluate(value, scope);
                    self.assign(&assign.target, value, scope);
                }
            }
            Stmt::AugAssign(assign) => self.augment(assign, scope),
            Stmt::TypeAlias(alias) => {
                let value = self.evaluate(&alias.value, scope);
                self.assign(&alias.name, value, scope);
            }
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Yield(_) | Expr::YieldFrom(_) => {
                    self.yielded(&expression.value, scope, frame);
                }
                value => {
                    self.evaluate(value, scope);
                }
            },
            Stmt::If(test) => return self.if_else(test, scope, frame),
            Stmt::For(round) => return self.for_loop(round, scope, frame),
            Stmt::While(round) => {
                let condition = self.source_line(scope.module, round.test.range());
                return self.perhaps(&format!("while {condition}"), &round.body, scope, frame);
            }
            Stmt::With(with) => return self.with(with, scope, frame),
            Stmt::Try(attempt) => return self.attempt(attempt, scope, frame),
            Stmt::Match(choice) => return self.match_case(choice, scope, frame),
            Stmt::Import(import) => self.import(import, scope),
            Stmt::ImportFrom(import) => self.import_from(import, scope),
            Stmt::Global(names) => {
                let names = names.names.iter().map(|name| Rc::from(name.as_str()));
                scope.elsewhere.borrow_mut().extend(names);
            }
            Stmt::Nonlocal(names) => {
                let names = names.names.iter().map(|name| Rc::from(name.as_str()));
                scope.elsewhere.borrow_mut().extend(names);
            }
            Stmt::Delete(_) | Stmt::Assert(_) | Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => {}
        }
        Flow::On
    }

    fn define(&mut self, def: &'a StmtFunctionDef, scope: &Scope<'a>) {
        let function = self.function(def, scope);
        if scope.kind == ScopeKind::Module && self.is_candidate(scope.module) {
            self.defined.push(Value::Function(Rc::clone(&function)));
        }
        let mut value = Value::Function(function);
        for decorator in def.decorator_list.iter().rev() {
            let by = self.evaluate(&decorator.expression, scope);
            let spot = Spot::new(scope.module, decorator.range());
            crate::framework::stray(self, &decorator.expression, &by, &value, spot);
            value = self.decorated(&by, value, spot);
        }
        self.bind(scope, def.name.as_str(), value);
    }

    fn for_loop(&mut self, round: &'a StmtFor, scope: &Scope<'a>, frame: &mut Frame<'a>) -> Flow {
        let over = self.evaluate(&round.iter, scope);
        let (items, open) = self.items_of(&over);
        let mut all = true;
        for item in items.into_iter().take(MOST_ROUNDS) {
            self.assign(&round.target, item, scope);
            match self.block(&round.body, scope, frame) {
                Flow::On | Flow::Next => {}
                Flow::Breaks => {
                    all = false;
                    break;
                }
                Flow::Ends => return Flow::Ends,
            }
        }
        if let Some(why) = open {
            self.assign(&round.target, Value::Unknown(why), scope);
            let over = self.source_line(scope.module, round.iter.range());
            self.perhaps(&format!("for each of {over}"), &round.body, scope, frame);
        }
        if all {
            return self.block(&round.orelse, scope, frame);
        }
        Flow::On
    }

    fn with(&mut self, with: &'a StmtWith, scope: &Scope<'a>, frame: &mut Frame<'a>) -> Flow {
        for item in &with.items {
            let value = self.evaluate(&item.context_expr, scope);
            if let Some(target) = &item.optional_vars {
                self.assign(target, value, scope);
            }
        }
        self.block(&with.body, scope, frame)
    }

    /// What `try` does is taken to succeed. What a handler defines instead may be what a name stands for, too.
    fn attempt(&mut self, attempt: &'a StmtTry, scope: &Scope<'a>, frame: &mut Frame<'a>) -> Flow {
        let before = scope.names.borrow().clone();
        let mut flow = self.block(&attempt.body, scope, frame);
        if flow == Flow::On {
            flow = self.block(&attempt.orelse, scope, frame);
        }
        let after = scope.names.borrow().clone();
        for handler in &attempt.handlers {
            let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
            scope.names.borrow_mut().clone_from(&before);
            if let Some(name) = &handler.name {
                self.bind(scope, name.as_str(), Value::unknown("it is an exception"));
            }
            let caught = match &handler.type_ {
                Some(caught) => self.source_line(scope.module, caught.range()),
                None => "anything".to_owned(),
            };
            self.conditions.push(format!("after {caught}").into());
            let ending = self.block(&handler.body, scope, frame);
            self.conditions.pop();
            let mut names = scope.names.borrow_mut();
            let handler_names = std::mem::replace(&mut *names, after.clone());
            if ending == Flow::On {
                if flow == Flow::Ends {
                    // Only a handler gets to what comes after.
                    *names = handler_names;
                    flow = Flow::On;
                } else {
                    for (name, value) in handler_names {
                        let stands = before.get(&name).is_some_and(|known| known.same(&value));
                        match names.get(&name) {
                            Some(known) if stands || known.same(&value) => {}
                            // What could not be imported is replaced by the handler's own.
                            Some(known) => {
                                let both = Value::either([known.clone(), value]);
                                names.insert(name, both);
                            }
                            None => {
                                names.insert(name, value);
                            }
                        }
                    }
                }
            }
        }
        let last = self.block(&attempt.finalbody, scope, frame);
        if last == Flow::On { flow } else { last }
    }
}
