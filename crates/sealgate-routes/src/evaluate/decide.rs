//! Whether a test can be decided by reading.
//!
//! What depends on configuration is not decided, whatever its default: a route behind a switch that is off
//! by default is a route. Arguments of a call that is followed, loop variables and literals are decided.

use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};

use super::Interpreter;
use super::value::{Scope, ScopeKind, Value};

impl<'a> Interpreter<'a> {
    /// Whether `test` is true, where that does not depend on anything but the call that is followed.
    pub(super) fn decide(&mut self, test: &'a Expr, scope: &Scope<'a>) -> Option<bool> {
        match test {
            Expr::BooleanLiteral(literal) => Some(literal.value),
            Expr::NoneLiteral(_) => Some(false),
            Expr::Name(name) if name.id.as_str() == "TYPE_CHECKING" => Some(true),
            Expr::Attribute(attribute) if attribute.attr.as_str() == "TYPE_CHECKING" => Some(true),
            Expr::Name(name) if self.is_local(name.id.as_str(), scope) => {
                self.evaluate(test, scope).truth()
            }
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                self.decide(&unary.operand, scope).map(|value| !value)
            }
            Expr::BoolOp(operation) => {
                let wanted = operation.op == BoolOp::Or;
                let mut known = true;
                for value in &operation.values {
                    match self.decide(value, scope) {
                        Some(value) if value == wanted => return Some(wanted),
                        Some(_) => {}
                        None => known = false,
                    }
                }
                known.then_some(!wanted)
            }
            Expr::Compare(compare) => {
                let sides = std::iter::once(&*compare.left).chain(&*compare.comparators);
                for side in sides {
                    if !self.is_settled(side, scope) {
                        return None;
                    }
                }
                self.evaluate(test, scope).truth()
            }
            Expr::Call(call) => {
                let checks = matches!(&*call.func, Expr::Name(name)
                    if matches!(name.id.as_str(), "isinstance" | "issubclass" | "callable" | "hasattr"));
                // `path.endswith("/")` of an argument.
                let looks = matches!(&*call.func, Expr::Attribute(attribute)
                    if matches!(attribute.attr.as_str(), "startswith" | "endswith")
                        && self.is_settled(&attribute.value, scope)
                        && call.arguments.args.iter().all(|side| self.is_settled(side, scope)));
                if checks || looks {
                    self.evaluate(test, scope).truth()
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// Whether `left OP right` holds.
    pub(super) fn compare(
        &mut self,
        op: CmpOp,
        left: &Value<'a>,
        right: &Value<'a>,
    ) -> Option<bool> {
        match op {
            CmpOp::Is | CmpOp::Eq => equal(left, right),
            CmpOp::IsNot | CmpOp::NotEq => equal(left, right).map(|value| !value),
            CmpOp::In => self.contains(right, left),
            CmpOp::NotIn => self.contains(right, left).map(|value| !value),
            _ => match (left, right) {
                (Value::Int(left), Value::Int(right)) => Some(match op {
                    CmpOp::Lt => left < right,
                    CmpOp::LtE => left <= right,
                    CmpOp::Gt => left > right,
                    _ => left >= right,
                }),
                // `sys.version_info >= (3, 12)`: the newest Python is meant.
                (Value::External(name), _) if &**name == "sys.version_info" => {
                    Some(matches!(op, CmpOp::Gt | CmpOp::GtE))
                }
                _ => None,
            },
        }
    }

    fn contains(&mut self, whole: &Value<'a>, part: &Value<'a>) -> Option<bool> {
        if let (Value::Str(whole), Value::Str(part)) = (whole, part) {
            return (!whole.contains('<')).then(|| whole.contains(&**part));
        }
        let (items, open) = match whole {
            Value::Sequence(_) | Value::Dict(_) => self.items_of(whole),
            _ => return None,
        };
        let mut known = open.is_none();
        for item in &items {
            match equal(item, part) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => known = false,
            }
        }
        known.then_some(false)
    }

    fn is_settled(&mut self, side: &'a Expr, scope: &Scope<'a>) -> bool {
        match side {
            Expr::Name(name) => self.is_local(name.id.as_str(), scope),
            Expr::StringLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_) => true,
            Expr::Attribute(attribute) => {
                attribute.attr.as_str() == "version_info"
                    || self.is_settled(&attribute.value, scope)
            }
            Expr::List(list) => list.elts.iter().all(|item| self.is_settled(item, scope)),
            Expr::Tuple(tuple) => tuple.elts.iter().all(|item| self.is_settled(item, scope)),
            Expr::Set(set) => set.elts.iter().all(|item| self.is_settled(item, scope)),
            _ => false,
        }
    }

    /// Whether a name is bound in a function around, and not in the module.
    fn is_local(&self, name: &str, scope: &Scope<'a>) -> bool {
        let mut current = Some(scope);
        while let Some(here) = current {
            if here.kind == ScopeKind::Function && here.names.borrow().contains_key(name) {
                return true;
            }
            current = here.parent.as_ref();
        }
        false
    }
}

/// Whether two values are equal, where both are known.
pub(super) fn equal<'a>(left: &Value<'a>, right: &Value<'a>) -> Option<bool> {
    equal_down_to(left, right, DEEPEST_LIST)
}

/// Lists in lists are compared this far down: one may be in itself.
const DEEPEST_LIST: usize = 16;

fn equal_down_to<'a>(left: &Value<'a>, right: &Value<'a>, levels: usize) -> Option<bool> {
    if left.same(right) && !matches!(left, Value::Unknown(_)) {
        return Some(true);
    }
    match (left, right) {
        (Value::Either(several), other) | (other, Value::Either(several)) => {
            let mut each = several.iter().map(|one| equal_down_to(one, other, levels));
            let first = each.next()??;
            each.all(|one| one == Some(first)).then_some(first)
        }
        (Value::Str(left), Value::Str(right)) => equal_texts(left, right),
        (Value::Unknown(_) | Value::Parameter(_) | Value::Made(_) | Value::External(_), _)
        | (_, Value::Unknown(_) | Value::Parameter(_) | Value::Made(_) | Value::External(_)) => {
            None
        }
        (Value::Sequence(left), Value::Sequence(right)) => {
            let levels = levels.checked_sub(1)?;
            let (left, right) = (left.items.borrow(), right.items.borrow());
            if left.len() != right.len() {
                return Some(false);
            }
            left.iter()
                .zip(right.iter())
                .map(|(left, right)| equal_down_to(left, right, levels))
                .try_fold(true, |all, one| one.map(|one| all && one))
        }
        (Value::Int(_) | Value::Bool(_), Value::Int(_) | Value::Bool(_))
        | (Value::None | Value::Str(_), _)
        | (_, Value::None | Value::Str(_)) => Some(false),
        _ => None,
    }
}

/// Whether two texts are equal. Those that begin with the same piece that is not known differ by the rest.
fn equal_texts(left: &str, right: &str) -> Option<bool> {
    let parts = |text: &str| {
        let end = text.rfind('>').map_or(0, |at| at + 1);
        let (unknown, rest) = text.split_at(end);
        (unknown.to_owned(), rest.to_owned())
    };
    let ((unknown, left), (other, right)) = (parts(left), parts(right));
    (unknown == other && !left.contains('<') && !right.contains('<')).then(|| left == right)
}
