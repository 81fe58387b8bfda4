//! Facts for the soundness rules that the walk comes by: what decides by a path, what is always true, and what
//! is caught and not raised again.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{CmpOp, Expr, ExprCall, Stmt, UnaryOp};

use super::{Flow, Walker, is_exception};
use crate::evaluate::value::{Definition, Scope, Value};
use crate::gates::judgement::FlawKind;
use crate::gates::paths::decides_by_part;

impl<'a> Walker<'_, 'a> {
    /// Notes the tests of an `if` that look at a part of the path, where a branch denies or ends what is done.
    /// `known`: how many denials there were before it.
    pub(in crate::gates) fn path_decisions(
        &mut self,
        tests: &[(Option<&'a Expr>, &'a [Stmt], Flow)],
        known: usize,
    ) {
        let denies = self.out.denials.len() > known;
        let ends = tests
            .iter()
            .any(|(_, body, flow)| *flow == Flow::Ends && self.decides(body));
        if !denies && !ends {
            return;
        }
        for test in tests.iter().filter_map(|(test, ..)| *test) {
            self.path_decision(test);
        }
    }

    /// Notes a test that looks at a part of the path.
    pub(in crate::gates) fn path_decision(&mut self, test: &'a Expr) {
        if decides_by_part(&self.taint, test) && !self.is_exact(test) {
            let what = self.source(test);
            self.flaw(FlawKind::PathDecision, test, what);
        }
    }

    /// Whether a call hands the caller on to something that may decide: no class, and no log.
    pub(in crate::gates) fn hands_on(&self, call: &'a ExprCall, callee: &Value<'a>) -> bool {
        let makes = callee.alternatives().iter().any(|one| match one {
            Value::Class(_) => true,
            Value::External(path) => {
                let mut parts = path.rsplit('.');
                parts
                    .next()
                    .is_some_and(|last| last.starts_with(char::is_uppercase))
                    || parts.next_back() == Some("builtins")
            }
            _ => false,
        });
        !makes && !is_log(&call.func) && self.hands_over(call)
    }

    /// Whether a call decides who passes here: it is made for nothing else than that, or what it gives is given
    /// back. Anything else looks something up, and what comes after decides.
    pub(in crate::gates) fn decides_here(&self, call: &'a Expr) -> bool {
        let is_call = |value: &Expr| match value {
            Expr::Await(inner) => std::ptr::eq(&raw const *inner.value, call),
            other => std::ptr::eq(other, call),
        };
        match self.current {
            Some(Stmt::Expr(inner)) => is_call(&inner.value),
            Some(Stmt::Return(returned)) => returned.value.as_deref().is_some_and(is_call),
            Some(Stmt::Assign(assign)) if is_call(&assign.value) => {
                let Definition::Function(definition) = self.function.definition else {
                    return false;
                };
                let mut ends = Ends::default();
                ends.visit_body(&definition.body);
                assign.targets.iter().any(|target| {
                    let Expr::Name(name) = target else {
                        return false;
                    };
                    ends.returns
                        .iter()
                        .flatten()
                        .any(|value| matches!(value, Expr::Name(given) if given.id == name.id))
                })
            }
            _ => false,
        }
    }

    /// Whether what ends a branch lets somebody pass or turns somebody away. A function that gives back a text
    /// names something, or says which path it is.
    fn decides(&self, body: &[Stmt]) -> bool {
        let mut ends = Ends::default();
        ends.visit_body(body);
        ends.raises
            || ends.returns.iter().any(|value| match value {
                Some(Expr::StringLiteral(_) | Expr::FString(_)) => false,
                Some(value) => !self.taint.reads_path(value),
                None => true,
            })
    }

    /// `scope["path"] in {"/health"}`: the very path that routes are matched by, compared as a whole. What
    /// `request.url` tells is made of the `Host` header too.
    fn is_exact(&mut self, test: &'a Expr) -> bool {
        let test = match test {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => &*unary.operand,
            other => other,
        };
        let Expr::Compare(compare) = test else {
            return false;
        };
        let ([CmpOp::In | CmpOp::NotIn], [right]) = (&*compare.ops, &*compare.comparators) else {
            return false;
        };
        let scope = matches!(&*compare.left, Expr::Subscript(subscript) if self.taint.is_carrier(&subscript.value));
        scope && matches!(self.value(right), Value::Sequence(_) | Value::Dict(_))
    }

    /// Notes a test that asks a function which always gives something true.
    pub(in crate::gates) fn always_true(&mut self, test: &'a Expr) {
        let asked = match test {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => &*unary.operand,
            other => other,
        };
        let (asked, awaited) = match asked {
            Expr::Await(inner) => (&*inner.value, true),
            other => (other, false),
        };
        let Expr::Call(call) = asked else { return };
        if !self.hands_over(call) {
            return;
        }
        let callee = self.value(&call.func);
        let (function, receiver) = match &callee {
            Value::Function(function) => (function.clone(), None),
            Value::Method(method) => (method.function.clone(), Some(method.receiver.clone())),
            _ => return,
        };
        let Definition::Function(definition) = function.definition else {
            return;
        };
        let what = self.source(asked);
        if definition.is_async && !awaited {
            self.flaw(FlawKind::UnawaitedCall, asked, what);
            return;
        }
        let mut ends = Ends::default();
        ends.visit_body(&definition.body);
        let falls = !matches!(
            definition.body.last(),
            Some(Stmt::Return(_) | Stmt::Raise(_))
        );
        if falls || ends.yields || ends.returns.is_empty() {
            return;
        }
        let scope = self
            .gates
            .locals(self.interpreter, &function, receiver.as_ref());
        if ends
            .returns
            .iter()
            .all(|value| value.is_some_and(|value| self.is_true(value, &scope)))
        {
            self.flaw(FlawKind::ReturnsTruthyObject, asked, what);
        }
    }

    /// Whether an expression is something that is true whatever is in it.
    fn is_true(&mut self, value: &'a Expr, scope: &Scope<'a>) -> bool {
        match value {
            Expr::Dict(dict) => !dict.items.is_empty(),
            Expr::Tuple(tuple) => !tuple.elts.is_empty(),
            Expr::StringLiteral(text) => !text.value.is_empty(),
            Expr::Call(call) => match self.interpreter.evaluate(&call.func, scope) {
                class @ Value::Class(_) => ["__bool__", "__len__"].iter().all(|name| {
                    !matches!(self.interpreter.attribute(&class, name), Value::Function(_))
                        && !self.interpreter.inherits(&class, "builtins.dict")
                        && !self.interpreter.inherits(&class, "builtins.list")
                }),
                Value::External(_) => is_exception(&self.interpreter.evaluate(value, scope)),
                _ => false,
            },
            _ => false,
        }
    }
}

/// `logger.info`, `print`.
fn is_log(callee: &Expr) -> bool {
    match callee {
        Expr::Attribute(method) => matches!(
            method.attr.as_str(),
            "debug" | "info" | "warning" | "error" | "exception" | "critical" | "log"
        ),
        Expr::Name(name) => name.id == "print",
        _ => false,
    }
}

/// How a body ends, without the functions that are defined in it.
#[derive(Default)]
struct Ends<'e> {
    raises: bool,
    yields: bool,
    returns: Vec<Option<&'e Expr>>,
}

impl<'e> Visitor<'e> for Ends<'e> {
    fn visit_stmt(&mut self, statement: &'e Stmt) {
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::Raise(_) => self.raises = true,
            Stmt::Return(returned) => self.returns.push(returned.value.as_deref()),
            Stmt::Expr(inner) => {
                self.yields |= matches!(&*inner.value, Expr::Yield(_) | Expr::YieldFrom(_));
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }
}

/// Whether a handler makes nothing of what was looked up: `except Unknown: user = None`. What comes after asks.
pub(super) fn makes_nothing(body: &[Stmt]) -> bool {
    body.iter().any(|statement| {
        matches!(statement, Stmt::Assign(assign)
            if matches!(&assign.targets[..], [Expr::Name(_)]) && matches!(&*assign.value, Expr::NoneLiteral(_)))
    })
}

/// Whether a body raises on every way through it.
pub(in crate::gates) fn always_raises(body: &[Stmt]) -> bool {
    let mut ends = Ends::default();
    ends.visit_body(body);
    ends.returns.is_empty() && raises(body)
}

fn raises(body: &[Stmt]) -> bool {
    body.iter().any(|statement| match statement {
        Stmt::Raise(_) => true,
        Stmt::If(branch) => {
            let total = branch
                .elif_else_clauses
                .iter()
                .any(|clause| clause.test.is_none());
            total
                && raises(&branch.body)
                && branch
                    .elif_else_clauses
                    .iter()
                    .all(|clause| raises(&clause.body))
        }
        Stmt::With(with) => raises(&with.body),
        Stmt::Try(attempt) => {
            raises(&attempt.finalbody) || attempt.handlers.is_empty() && raises(&attempt.body)
        }
        _ => false,
    })
}
