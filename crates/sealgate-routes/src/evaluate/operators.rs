//! Operators, and texts that are put together.

use std::rc::Rc;

use ruff_python_ast::Operator;

use super::Interpreter;
use super::value::{Arguments, Made, Spot, Value};

/// Longer texts than this are not put together.
const LONGEST_TEXT: usize = 4_096;

impl<'a> Interpreter<'a> {
    pub(super) fn binary(
        &mut self,
        op: Operator,
        left: &Value<'a>,
        right: &Value<'a>,
        spot: Spot,
    ) -> Value<'a> {
        match (op, left, right) {
            (Operator::BitOr, _, _) => Self::union(left, right, spot),
            (Operator::Add, Value::Either(several), other) => {
                let several: Vec<_> = several
                    .iter()
                    .map(|one| self.binary(op, one, other, spot))
                    .collect();
                Value::either(several)
            }
            (Operator::Add, other, Value::Either(several)) => {
                let several: Vec<_> = several
                    .iter()
                    .map(|one| self.binary(op, other, one, spot))
                    .collect();
                Value::either(several)
            }
            (Operator::Add, Value::Sequence(_), _) | (Operator::Add, _, Value::Sequence(_)) => {
                let (mut items, open) = self.items_of(left);
                let (more, also) = self.items_of(right);
                items.extend(more);
                let whole = Value::list(items);
                if let Value::Sequence(sequence) = &whole {
                    *sequence.open.borrow_mut() = open.or(also);
                }
                whole
            }
            (Operator::Add, Value::Str(_), _) | (Operator::Add, _, Value::Str(_)) => {
                let (left, right) = (self.text_of(left, spot), self.text_of(right, spot));
                if left.len() + right.len() > LONGEST_TEXT {
                    return Value::unknown("it is a long text");
                }
                Value::Str(format!("{left}{right}").into())
            }
            (Operator::Add, Value::Int(left), Value::Int(right)) => {
                Value::Int(left.wrapping_add(*right))
            }
            (Operator::Sub, Value::Int(left), Value::Int(right)) => {
                Value::Int(left.wrapping_sub(*right))
            }
            (Operator::Mod, Value::Str(text), _) => self.percent(text, right, spot),
            _ => Value::unknown("it is calculated"),
        }
    }

    /// `left | right`: of types one of both, of anything that a library made its own business.
    fn union(left: &Value<'a>, right: &Value<'a>, spot: Spot) -> Value<'a> {
        if matches!(left, Value::Made(_)) || matches!(right, Value::Made(_)) {
            return Value::Made(Rc::new(Made {
                callee: "operator.or_".into(),
                called: true,
                of: None,
                arguments: Arguments {
                    positional: vec![left.clone(), right.clone()],
                    ..Arguments::default()
                },
                spot,
            }));
        }
        if let (Value::Dict(left), Value::Dict(right)) = (left, right) {
            let mut items = left.items.borrow().clone();
            items.extend(right.items.borrow().iter().cloned());
            let merged = super::value::Dict {
                born: 0,
                items: std::cell::RefCell::new(items),
                open: std::cell::RefCell::new(
                    left.open
                        .borrow()
                        .clone()
                        .or_else(|| right.open.borrow().clone()),
                ),
            };
            return Value::Dict(Rc::new(merged));
        }
        Value::either([left.clone(), right.clone()])
    }

    fn percent(&mut self, text: &Rc<str>, right: &Value<'a>, spot: Spot) -> Value<'a> {
        let (items, _) = match right {
            Value::Sequence(_) => self.items_of(right),
            other => (vec![other.clone()], None),
        };
        let mut items = items.into_iter();
        let mut whole = String::new();
        let mut rest = &**text;
        while let Some(at) = rest.find("%s") {
            whole.push_str(&rest[..at]);
            let value = items
                .next()
                .unwrap_or_else(|| Value::unknown("it is missing"));
            whole.push_str(&self.text_of(&value, spot));
            rest = &rest[at + 2..];
        }
        whole.push_str(rest);
        Value::Str(whole.into())
    }

    /// A value as a text, for paths. What is not known stands in angle brackets, in the source's words; where
    /// it may be one of several, the first that is known is taken: a default.
    pub(crate) fn text_of(&self, value: &Value<'a>, spot: Spot) -> Rc<str> {
        let mut known = value.alternatives().iter().filter_map(|value| match value {
            Value::Str(text) => Some(Rc::clone(text)),
            Value::Int(number) => Some(number.to_string().into()),
            _ => None,
        });
        known.next().unwrap_or_else(|| {
            let source = self.source_of(spot);
            format!(
                "<{}>",
                source.replace(['<', '>', '{', '}', '/'], " ").trim()
            )
            .into()
        })
    }
}
