//! Comparisons of what a caller brings with what the configuration may leave out: nothing is equal to nothing.

use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{BoolOp, CmpOp, Expr, Stmt, UnaryOp};

use super::Walker;
use crate::evaluate::value::Value;
use crate::gates::bearing::key_of_get;
use crate::gates::judgement::FlawKind;

/// What is compared with a secret that is not set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unset {
    /// `None`: only who brings nothing brings the same.
    Nothing,
    /// `""` or `"Bearer None"`: everybody can bring that.
    Text,
}

impl<'a> Walker<'_, 'a> {
    /// Notes that the denial here, under the conditions around it, meets nobody where a variable is not set.
    pub(in crate::gates) fn denies_only_if_set(&mut self) {
        let conditions = self.conditions.clone();
        for (at, condition) in conditions.iter().enumerate() {
            let mut parts = Vec::new();
            disjuncts(condition.test, condition.holds, &mut parts);
            for (part, holds) in &parts {
                let Some((left, right)) = compared(part, *holds) else {
                    continue;
                };
                for (key, brought) in [(left, right), (right, left)] {
                    let Some((name, unset)) = self.unset(key) else {
                        continue;
                    };
                    let others = conditions
                        .iter()
                        .enumerate()
                        .filter(|(other, _)| *other != at)
                        .map(|(_, other)| other.test)
                        .chain(
                            parts
                                .iter()
                                .map(|(other, _)| *other)
                                .filter(|other| !std::ptr::eq(*other, *part)),
                        );
                    let asked: Vec<&Expr> = others.collect();
                    let about = |what: &Expr| asked.iter().any(|other| mentions(other, what));
                    if about(key) || self.is_demanded(key) {
                        continue;
                    }
                    let fails = matches!(part, Expr::Call(_));
                    let met = match unset {
                        Unset::Nothing if fails => false,
                        Unset::Nothing => self.may_be_left_out(brought) && !about(brought),
                        Unset::Text => self.taint.reads(brought) && !about(brought),
                    };
                    if met {
                        self.flaw(FlawKind::NotConfigured, condition.test, name);
                        return;
                    }
                }
            }
        }
    }

    /// The variable that `key` is read from, where nothing but that sets it, and what it is when it is not set.
    fn unset(&mut self, key: &'a Expr) -> Option<(Rc<str>, Unset)> {
        match key {
            Expr::BoolOp(several) if several.op == BoolOp::Or => {
                let [first, Expr::StringLiteral(text)] = &several.values[..] else {
                    return None;
                };
                let (name, _) = self.unset(first)?;
                text.value.is_empty().then_some((name, Unset::Text))
            }
            Expr::FString(_) => {
                let mut inner = Inner(Vec::new());
                inner.visit_expr(key);
                let [only] = inner.0[..] else { return None };
                let (name, _) = self.unset(only)?;
                Some((name, Unset::Text))
            }
            Expr::Name(_) | Expr::Call(_) => {
                let value = self.value(key);
                let [one, other] = value.alternatives() else {
                    return None;
                };
                let ((Value::Unknown(why), default) | (default, Value::Unknown(why))) =
                    (one, other)
                else {
                    return None;
                };
                let name = why
                    .strip_suffix("` is set by configuration")?
                    .strip_prefix('`')?;
                let unset = match default {
                    Value::None => Unset::Nothing,
                    Value::Str(text) if text.is_empty() => Unset::Text,
                    _ => return None,
                };
                Some((name.into(), unset))
            }
            _ => None,
        }
    }

    /// Whether the module in which a name is set, or this one, asks for it before anything runs:
    /// `if not KEY: raise`.
    fn is_demanded(&self, key: &Expr) -> bool {
        let mut inner = Names(Vec::new());
        inner.visit_expr(key);
        let sources = self.interpreter.sources;
        let mut modules = vec![self.function.module];
        let Some(here) = sources.load(self.function.module) else {
            return false;
        };
        for statement in &here.syntax.body {
            let Stmt::ImportFrom(import) = statement else {
                continue;
            };
            let named = |alias: &ruff_python_ast::Alias| {
                let name = alias.asname.as_ref().unwrap_or(&alias.name);
                inner.0.contains(&name.as_str())
            };
            if !import.names.iter().any(named) {
                continue;
            }
            let from = import
                .module
                .as_ref()
                .filter(|_| import.level == 0)
                .and_then(|module| sources.resolve(self.function.module, module));
            match from {
                Some(module) => modules.push(module),
                // Where it is set is not looked for any further.
                None if import.level > 0 => return true,
                None => {}
            }
        }
        modules
            .into_iter()
            .filter_map(|module| sources.load(module))
            .any(|module| {
                module.syntax.body.iter().any(|statement| {
                    let test = match statement {
                        Stmt::If(branch) => &*branch.test,
                        Stmt::Assert(assert) => &*assert.test,
                        _ => return false,
                    };
                    let mut asked = Names(Vec::new());
                    asked.visit_expr(test);
                    asked.0.iter().any(|name| inner.0.contains(name))
                })
            })
    }

    /// Whether who brings nothing brings `None` here.
    fn may_be_left_out(&mut self, brought: &'a Expr) -> bool {
        match brought {
            Expr::Name(name) => {
                if let Some(given) = self.given.get(name.id.as_str()).copied() {
                    return !matches!(given, Expr::Name(_)) && self.may_be_left_out(given);
                }
                if self.depth > 0 || !self.taint.credentials.contains(name.id.as_str()) {
                    return false;
                }
                let function = Value::Function(self.function.clone());
                let parameters = self.interpreter.parameters(&function).unwrap_or_default();
                let default = parameters
                    .into_iter()
                    .find(|parameter| *parameter.name == *name.id)
                    .and_then(|parameter| parameter.default);
                match default {
                    Some(Value::None) => true,
                    Some(Value::Made(made)) => {
                        matches!(made.arguments.get(0, "default"), Some(Value::None))
                    }
                    _ => false,
                }
            }
            Expr::Call(call) => {
                key_of_get(brought).is_some()
                    && call.arguments.args.len() == 1
                    && call.arguments.keywords.is_empty()
                    && self.taint.reads(brought)
            }
            _ => false,
        }
    }
}

/// The parts of a condition of which each one alone leads here.
fn disjuncts<'a>(test: &'a Expr, holds: bool, found: &mut Vec<(&'a Expr, bool)>) {
    match test {
        Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
            disjuncts(&unary.operand, !holds, found);
        }
        Expr::BoolOp(several) if (several.op == BoolOp::Or) == holds => {
            for value in &several.values {
                disjuncts(value, holds, found);
            }
        }
        _ => found.push((test, holds)),
    }
}

/// What has to differ for a condition to be met.
fn compared(test: &Expr, holds: bool) -> Option<(&Expr, &Expr)> {
    match test {
        Expr::Compare(compare) => {
            let ([op], [right]) = (&*compare.ops, &*compare.comparators) else {
                return None;
            };
            let differ = matches!(op, CmpOp::NotEq) && holds || matches!(op, CmpOp::Eq) && !holds;
            differ.then_some((&*compare.left, right))
        }
        Expr::Call(call) if !holds => {
            let name = match &*call.func {
                Expr::Name(name) => name.id.as_str(),
                Expr::Attribute(attribute) => attribute.attr.as_str(),
                _ => return None,
            };
            // It fails where one of the two is nothing: only texts can be equal.
            let [left, right] = &*call.arguments.args else {
                return None;
            };
            (name == "compare_digest").then_some((left, right))
        }
        _ => None,
    }
}

/// Whether an expression has to do with the names in another one.
fn mentions(expression: &Expr, what: &Expr) -> bool {
    let (mut inner, mut names) = (Names(Vec::new()), Names(Vec::new()));
    inner.visit_expr(expression);
    names.visit_expr(what);
    names.0.iter().any(|name| inner.0.contains(name))
}

/// The names in an expression.
struct Names<'e>(Vec<&'e str>);

impl<'e> Visitor<'e> for Names<'e> {
    fn visit_expr(&mut self, expression: &'e Expr) {
        if let Expr::Name(name) = expression {
            self.0.push(name.id.as_str());
        }
        walk_expr(self, expression);
    }
}

/// What stands in braces in a text.
struct Inner<'e>(Vec<&'e Expr>);

impl<'e> Visitor<'e> for Inner<'e> {
    fn visit_expr(&mut self, expression: &'e Expr) {
        match expression {
            Expr::FString(_) => walk_expr(self, expression),
            other => self.0.push(other),
        }
    }
}
