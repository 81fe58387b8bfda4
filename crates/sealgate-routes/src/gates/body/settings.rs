//! Denials that are only made where something is configured: `if KEY and token != KEY: raise`.

use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};

use super::Walker;
use crate::gates::bearing::Bearing;
use crate::gates::judgement::{Flaw, FlawKind};

impl<'a> Walker<'_, 'a> {
    /// The setting without which a denial here is not made, if there is one.
    pub(in crate::gates) fn only_if(&mut self) -> Option<Flaw> {
        let conditions = self.conditions.clone();
        let mut asked = conditions.iter().rev().filter(|condition| !condition.early);
        asked.find_map(|condition| self.setting_of(condition.test, condition.holds))
    }

    /// The setting that has to be there for a test to be so.
    pub(in crate::gates) fn setting_of(&mut self, test: &'a Expr, holds: bool) -> Option<Flaw> {
        match test {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                return self.setting_of(&unary.operand, !holds);
            }
            Expr::BoolOp(several) if (several.op == BoolOp::And) == holds => {
                return several
                    .values
                    .iter()
                    .find_map(|value| self.setting_of(value, holds));
            }
            _ => {}
        }
        if self.taint.bearing(test, holds) != Bearing::Configured {
            return None;
        }
        let set = match test {
            Expr::Compare(compare) => {
                let ([op], [Expr::NoneLiteral(_)]) = (&*compare.ops, &*compare.comparators) else {
                    return None;
                };
                match op {
                    CmpOp::IsNot | CmpOp::NotEq if holds => &*compare.left,
                    CmpOp::Is | CmpOp::Eq if !holds => &*compare.left,
                    _ => return None,
                }
            }
            _ if holds => test,
            _ => return None,
        };
        if !self.is_setting(set, 0) || self.value(set).truth() == Some(true) {
            return None;
        }
        Some(Flaw {
            kind: FlawKind::NotConfigured,
            spot: self.spot(test),
            text: self.source(set),
        })
    }

    /// Whether an expression is nothing of the call, but of the object or the module.
    fn is_setting(&self, expression: &Expr, depth: usize) -> bool {
        match expression {
            Expr::Name(name) => {
                let name = name.id.as_str();
                if let Some(given) = self.given.get(name) {
                    return depth < 3 && self.is_setting(given, depth + 1);
                }
                let parameters = self.function.definition.parameters();
                !parameters.is_some_and(|all| all.includes(name))
                    && !self.scope.names.borrow().contains_key(name)
            }
            Expr::Attribute(attribute) => match &*attribute.value {
                Expr::Name(name) if name.id == "self" => true,
                inner => self.is_setting(inner, depth),
            },
            Expr::Call(call) => {
                let constant = call
                    .arguments
                    .args
                    .iter()
                    .all(ruff_python_ast::Expr::is_literal_expr);
                constant && call.arguments.keywords.is_empty() && self.is_setting(&call.func, depth)
            }
            _ => false,
        }
    }
}
