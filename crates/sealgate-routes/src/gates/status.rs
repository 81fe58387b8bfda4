//! Which status a value or an expression stands for, and whether it is a denial.

use ruff_python_ast::{Expr, Number};

use crate::evaluate::Interpreter;
use crate::evaluate::value::{Scope, Value};

/// Whether an HTTP status, or the code that a WebSocket is closed with, turns a caller away.
///
/// 1008 is "policy violation" (RFC 6455, section 7.4.1); codes from 4000 on are an application's own, and those
/// that end like 401 or 403 are meant like them.
pub(super) fn denies(status: i64) -> Option<u16> {
    match status {
        401 | 403 | 1008 => u16::try_from(status).ok(),
        4000..=4499 => Some(1008),
        _ => None,
    }
}

/// The number in the name of a constant: `starlette.status.HTTP_401_UNAUTHORIZED`, `http.HTTPStatus.FORBIDDEN`.
pub(super) fn named(path: &str) -> Option<i64> {
    let path = path.strip_suffix(".value").unwrap_or(path);
    let last = path.rsplit('.').next()?;
    let digits = last
        .strip_prefix("HTTP_")
        .or_else(|| last.strip_prefix("WS_"))
        .and_then(|rest| rest.split('_').next());
    if let Some(number) = digits.and_then(|digits| digits.parse().ok()) {
        return Some(number);
    }
    let before = path.rsplit('.').nth(1)?;
    if !before.ends_with("HTTPStatus") && before != "codes" {
        return None;
    }
    match last.to_ascii_uppercase().as_str() {
        "UNAUTHORIZED" => Some(401),
        "FORBIDDEN" => Some(403),
        "OK" => Some(200),
        _ => Some(0),
    }
}

/// The statuses that a value may stand for.
pub(super) fn of_value(value: &Value<'_>) -> Vec<i64> {
    value
        .alternatives()
        .iter()
        .filter_map(|value| match value {
            Value::Int(number) => Some(*number),
            Value::External(path) => named(path),
            Value::Made(made) => named(&made.callee),
            Value::Str(text) => text.parse().ok(),
            _ => None,
        })
        .collect()
}

/// The statuses that an expression may stand for: also the branches and defaults of one that cannot be told,
/// `getattr(error, "status_code", 401)`.
pub(super) fn of<'a>(
    interpreter: &mut Interpreter<'a>,
    expression: &'a Expr,
    scope: &Scope<'a>,
) -> Vec<i64> {
    let value = interpreter.evaluate(expression, scope);
    let known = of_value(&value);
    if !known.is_empty() {
        return known;
    }
    match expression {
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(int) => int.as_i64().into_iter().collect(),
            _ => Vec::new(),
        },
        Expr::Attribute(attribute) => {
            let base = match &*attribute.value {
                Expr::Name(name) => name.id.as_str(),
                Expr::Attribute(inner) => inner.attr.as_str(),
                _ => "",
            };
            named(&format!("{base}.{}", attribute.attr))
                .into_iter()
                .collect()
        }
        Expr::If(either) => {
            let mut found = of(interpreter, &either.body, scope);
            found.extend(of(interpreter, &either.orelse, scope));
            found
        }
        Expr::BoolOp(either) => {
            let mut found = Vec::new();
            for value in &either.values {
                found.extend(of(interpreter, value, scope));
            }
            found
        }
        Expr::Call(call) => {
            let name = match &*call.func {
                Expr::Name(name) => name.id.as_str(),
                _ => "",
            };
            match (name, &*call.arguments.args) {
                ("getattr", [_, _, default]) => of(interpreter, default, scope),
                ("int" | "str", [inner]) => of(interpreter, inner, scope),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// The first of the statuses that denies.
pub(super) fn denial(statuses: &[i64]) -> Option<u16> {
    statuses.iter().find_map(|status| denies(*status))
}
