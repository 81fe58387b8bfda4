//! What a helper that is asked about the path answers for a route.

use ruff_python_ast::{Expr, Stmt};

use crate::evaluate::Interpreter;
use crate::evaluate::value::Scope;
use crate::gates::bearing::Taint;
use crate::gates::paths::{Holds, PathReader, Template};

/// What a helper returns for a route: `return path in PUBLIC or path.startswith("/docs")`.
pub(super) struct Truth<'t, 'a> {
    pub(super) interpreter: &'t mut Interpreter<'a>,
    pub(super) scope: Scope<'a>,
    pub(super) taint: Taint,
    pub(super) template: &'t Template,
    pub(super) methods: &'t [String],
    pub(super) websocket: bool,
}

impl<'a> Truth<'_, 'a> {
    /// `None`: it cannot be told, or is about something else.
    pub(super) fn block(&mut self, body: &'a [Stmt]) -> Option<Holds> {
        for statement in body {
            match statement {
                Stmt::Expr(inner) if inner.value.is_string_literal_expr() => {}
                Stmt::Assign(assign) => {
                    if let [Expr::Name(name)] = &*assign.targets
                        && self.taint.is_path(&assign.value)
                    {
                        self.taint.paths.insert(name.id.as_str().into());
                    }
                }
                Stmt::Return(returned) => return self.holds(returned.value.as_deref()?),
                Stmt::If(branch) if branch.elif_else_clauses.is_empty() => {
                    match self.holds(&branch.test)? {
                        Holds::Yes => return self.block(&branch.body),
                        Holds::No => {}
                        Holds::Perhaps => return Some(Holds::Perhaps),
                    }
                }
                Stmt::For(_) => return Some(Holds::Perhaps),
                _ => return None,
            }
        }
        Some(Holds::No)
    }

    pub(super) fn holds(&mut self, test: &'a Expr) -> Option<Holds> {
        PathReader {
            interpreter: self.interpreter,
            scope: &self.scope,
            taint: &self.taint,
            template: self.template,
            methods: self.methods,
            websocket: self.websocket,
        }
        .holds(test)
    }
}
