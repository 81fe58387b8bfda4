//! What expressions are for a stranger.

use ruff_python_ast::{BoolOp, Expr, UnaryOp};

use super::conditions::{Test, truth};
use super::statements::{is_kept, kept};
use super::{Kind, State, Trial};
use crate::gates::bearing::{identifies, key_of_get, text};

/// One or the other.
pub(super) fn join(one: Kind, other: Kind) -> Kind {
    use Kind::{Absent, Brought, False, Form, Judged, Nothing, Plain, Shape, True};
    match (one, other) {
        (one, other) if one == other => one,
        (Brought, _) | (_, Brought) => Brought,
        (Judged, _) | (_, Judged) => Judged,
        (Form, _) | (_, Form) => Form,
        (Shape, _) | (_, Shape) => Shape,
        (Absent, Plain | Nothing) | (Plain | Nothing, Absent) => Absent,
        (Plain, _) | (_, Plain) | (True, False) | (False, True) => Plain,
        (Absent | Nothing, other) | (other, Absent | Nothing) => other,
        (one, _) => one,
    }
}

impl<'a> Trial<'_, 'a> {
    /// What an expression holds. What it does on the way is noted.
    pub(super) fn kind(&mut self, expression: &'a Expr, state: &mut State) -> Kind {
        self.kind_of(expression, state, false)
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each kind of expression")]
    pub(super) fn kind_of(
        &mut self,
        expression: &'a Expr,
        state: &mut State,
        awaited: bool,
    ) -> Kind {
        if self.event.is_some() {
            return Kind::Judged;
        }
        if let Expr::Attribute(attribute) = expression
            && is_kept(&attribute.value)
            && let Some(kind) = state.kinds.get(&kept(attribute.attr.as_str()))
        {
            return *kind;
        }
        if let Some(kind) = self.read(expression, state) {
            return kind;
        }
        match expression {
            Expr::Name(name) => Self::name(name.id.as_str(), state),
            Expr::Await(inner) => self.kind_of(&inner.value, state, true),
            Expr::Call(call) => self.call(call, state, awaited),
            Expr::Named(named) => {
                let kind = self.kind(&named.value, state);
                if let Expr::Name(name) = &*named.target {
                    state.kinds.insert(name.id.as_str().into(), kind);
                }
                kind
            }
            Expr::Attribute(attribute) => match self.kind(&attribute.value, state) {
                kind @ (Kind::Absent | Kind::Brought | Kind::Judged) => kind,
                Kind::Shape | Kind::Carrier => Kind::Shape,
                _ => Kind::Plain,
            },
            Expr::Subscript(subscript) => {
                let base = self.kind(&subscript.value, state);
                let key = self.kind(&subscript.slice, state);
                match (base, key) {
                    (Kind::Brought | Kind::Judged | Kind::Absent | Kind::Shape, _) => base,
                    (Kind::Carrier, _) => Kind::Shape,
                    (_, Kind::Brought | Kind::Absent | Kind::Judged) => self.judges(),
                    _ => Kind::Plain,
                }
            }
            Expr::BoolOp(several) => self.either(several, state, awaited),
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => self.test(expression, state).kind(),
            Expr::Compare(_) => self.test(expression, state).kind(),
            Expr::If(either) => {
                let test = self.test(&either.test, state);
                match test {
                    Test::Yes => self.kind_of(&either.body, state, awaited),
                    Test::No => self.kind_of(&either.orelse, state, awaited),
                    _ => {
                        let one = self.kind_of(&either.body, state, awaited);
                        let stopped = self.event.take();
                        let other = self.kind_of(&either.orelse, state, awaited);
                        // Only what both sides do is done.
                        if stopped.is_none()
                            || matches!(test, Test::Judged(_) | Test::Config)
                                && other != Kind::Brought
                        {
                            self.event = self.event.take().or(stopped);
                        }
                        join(one, other)
                    }
                }
            }
            Expr::NoneLiteral(_) => Kind::Nothing,
            Expr::BooleanLiteral(literal) => {
                if literal.value {
                    Kind::True
                } else {
                    Kind::False
                }
            }
            Expr::StringLiteral(literal) if literal.value.is_empty() => Kind::Nothing,
            Expr::FString(string) => {
                let mut kind = Kind::Plain;
                let parts: Vec<&'a Expr> = string
                    .value
                    .elements()
                    .filter_map(|part| part.as_interpolation())
                    .map(|part| &*part.expression)
                    .collect();
                for part in parts {
                    kind = join(kind, self.kind(part, state));
                }
                kind
            }
            Expr::Starred(starred) => self.kind(&starred.value, state),
            Expr::BinOp(binary) => {
                let left = self.kind(&binary.left, state);
                let right = self.kind(&binary.right, state);
                join(left, right)
            }
            Expr::Dict(dict) if dict.items.is_empty() => Kind::Nothing,
            Expr::Dict(dict) => {
                let mut kind = Kind::Plain;
                for item in &dict.items {
                    kind = join(kind, self.kind(&item.value, state));
                }
                if kind == Kind::Absent {
                    Kind::Plain
                } else {
                    kind
                }
            }
            Expr::Tuple(tuple) => self.items(&tuple.elts, state),
            Expr::List(list) => self.items(&list.elts, state),
            Expr::Set(set) => self.items(&set.elts, state),
            Expr::ListComp(list) => self.comprehension(&list.elt, &list.generators, state),
            Expr::SetComp(list) => self.comprehension(&list.elt, &list.generators, state),
            Expr::Generator(list) => self.comprehension(&list.elt, &list.generators, state),
            _ => Kind::Plain,
        }
    }

    fn items(&mut self, items: &'a [Expr], state: &mut State) -> Kind {
        if items.is_empty() {
            return Kind::Nothing;
        }
        let mut kind = Kind::Plain;
        for item in items {
            kind = join(kind, self.kind(item, state));
        }
        kind
    }

    pub(super) fn comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [ruff_python_ast::Comprehension],
        state: &mut State,
    ) -> Kind {
        let mut over = Kind::Plain;
        for generator in generators {
            let kind = self.kind(&generator.iter, state);
            if let Expr::Name(name) = &generator.target {
                state.kinds.insert(name.id.as_str().into(), kind);
            }
            over = join(over, kind);
            for test in &generator.ifs {
                over = join(over, self.test(test, state).kind());
            }
        }
        let kind = self.kind(element, state);
        // An empty list is as the stranger wants it.
        if over == Kind::Brought && kind == Kind::Judged {
            Kind::Judged
        } else {
            join(over, kind)
        }
    }

    fn name(name: &str, state: &State) -> Kind {
        state.kinds.get(name).copied().unwrap_or(Kind::Plain)
    }

    /// Something of the request.
    fn read(&mut self, expression: &'a Expr, state: &mut State) -> Option<Kind> {
        if let Some((base, key)) = key_of_get(expression) {
            if let Expr::Name(name) = base
                && matches!(name.id.as_str(), "kwargs")
                && matches!(key, "request" | "websocket" | "conn")
            {
                return Some(Kind::Carrier);
            }
            if self.is_source(base, state) {
                let default = match expression {
                    Expr::Call(call) => call.arguments.args.get(1),
                    _ => None,
                };
                let there = if identifies(key) {
                    self.own(key)
                } else {
                    Kind::Shape
                };
                return Some(match default {
                    Some(default) if there == Kind::Absent => match self.kind(default, state) {
                        Kind::Nothing => Kind::Absent,
                        kind => kind,
                    },
                    _ => there,
                });
            }
            if Self::is_carrier(base, state) {
                return Some(match key {
                    "headers" | "cookies" | "query_params" | "query_string" => Kind::Source,
                    "user" | "auth" | "session" | "state" => Kind::Judged,
                    _ => Kind::Shape,
                });
            }
        }
        // Which of them is read stands elsewhere: `request.headers.get(name)`.
        if let Expr::Call(call) = expression
            && let Expr::Attribute(method) = &*call.func
            && method.attr.as_str() == "get"
            && call
                .arguments
                .args
                .first()
                .is_some_and(|key| text(key).is_none())
            && self.is_source(&method.value, state)
        {
            let there = self.own("*");
            return Some(match call.arguments.args.get(1) {
                Some(default) if there == Kind::Absent => match self.kind(default, state) {
                    Kind::Nothing => Kind::Absent,
                    kind => kind,
                },
                _ => there,
            });
        }
        match expression {
            Expr::Attribute(attribute) if Self::is_carrier(&attribute.value, state) => {
                Some(match attribute.attr.as_str() {
                    "headers" | "cookies" | "query_params" => Kind::Source,
                    "user" | "auth" | "session" | "state" => Kind::Judged,
                    "scope" | "request" | "websocket" => Kind::Carrier,
                    "app" => Kind::Plain,
                    _ => Kind::Shape,
                })
            }
            Expr::Attribute(attribute)
                if matches!(attribute.attr.as_str(), "request" | "websocket")
                    && matches!(&*attribute.value, Expr::Name(name) if name.id == "self") =>
            {
                Some(Kind::Carrier)
            }
            Expr::Subscript(subscript) if Self::is_carrier(&subscript.value, state) => {
                Some(match text(&subscript.slice) {
                    Some("headers" | "cookies" | "query_string") => Kind::Source,
                    Some("user" | "auth" | "session" | "state") => Kind::Judged,
                    _ => Kind::Shape,
                })
            }
            Expr::Subscript(subscript) if self.is_source(&subscript.value, state) => {
                if text(&subscript.slice).is_some_and(|key| !identifies(key)) {
                    return Some(Kind::Shape);
                }
                let key = text(&subscript.slice).unwrap_or("*");
                Some(match self.own(key) {
                    // There is no such key.
                    Kind::Absent => self.judges(),
                    kind => kind,
                })
            }
            _ => None,
        }
    }

    pub(super) fn is_carrier(expression: &Expr, state: &State) -> bool {
        match expression {
            Expr::Name(name) => Self::name(name.id.as_str(), state) == Kind::Carrier,
            Expr::Attribute(attribute) => match attribute.attr.as_str() {
                "scope" => Self::is_carrier(&attribute.value, state),
                "request" | "websocket" => matches!(&*attribute.value, Expr::Name(_)),
                _ => false,
            },
            Expr::Subscript(subscript) => {
                matches!(&*subscript.value, Expr::Name(name) if name.id == "kwargs")
                    && matches!(text(&subscript.slice), Some("request" | "websocket"))
            }
            _ => false,
        }
    }

    pub(super) fn is_source(&mut self, expression: &'a Expr, state: &mut State) -> bool {
        match expression {
            Expr::Name(name) => Self::name(name.id.as_str(), state) == Kind::Source,
            Expr::Attribute(_) | Expr::Subscript(_) => {
                self.read(expression, state) == Some(Kind::Source)
            }
            Expr::Call(call) => {
                key_of_get(expression).is_some()
                    && self.read(expression, state) == Some(Kind::Source)
                    || matches!(&*call.func, Expr::Name(name) if name.id == "dict")
                        && call
                            .arguments
                            .args
                            .first()
                            .is_some_and(|inner| self.is_source(inner, state))
            }
            _ => false,
        }
    }

    /// `a or b`, `a and b`, as values.
    fn either(
        &mut self,
        several: &'a ruff_python_ast::ExprBoolOp,
        state: &mut State,
        awaited: bool,
    ) -> Kind {
        let mut found = None;
        let mut lacking = false;
        for value in &several.values {
            let kind = match self.kind_of(value, state, awaited) {
                // What stands in for what was not brought.
                Kind::Nothing if lacking => Kind::Absent,
                kind => kind,
            };
            lacking |= kind == Kind::Absent;
            let test = truth(kind);
            let ends = match (several.op, &test) {
                (BoolOp::Or, Test::Yes) | (BoolOp::And, Test::No) => true,
                (BoolOp::Or, Test::No) | (BoolOp::And, Test::Yes) => {
                    // It is the next one that counts.
                    found = None;
                    false
                }
                _ => false,
            };
            found = Some(found.map_or(kind, |known| join(known, kind)));
            if ends || self.event.is_some() {
                return found
                    .filter(|_| !ends)
                    .map_or(kind, |known| if ends { kind } else { known });
            }
        }
        found.unwrap_or(Kind::Plain)
    }
}
