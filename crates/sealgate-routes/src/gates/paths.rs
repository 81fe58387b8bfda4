//! Conditions on the path and method of a request, judged for a route without a request.

use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};

use super::bearing::{Taint, key_of_get, text};
use super::tree::texts;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Scope, Value};

/// Whether something holds for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// For some of its requests, or it cannot be told.
    Perhaps,
}

impl Holds {
    fn of(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
        }
    }

    fn all(each: impl IntoIterator<Item = Self>) -> Self {
        let mut found = Self::Yes;
        for one in each {
            match one {
                Self::No => return Self::No,
                Self::Perhaps => found = Self::Perhaps,
                Self::Yes => {}
            }
        }
        found
    }

    fn any(each: impl IntoIterator<Item = Self>) -> Self {
        Self::all(each.into_iter().map(Self::not)).not()
    }
}

/// The path of a route: its fixed text, and between it parameters that may be anything.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// The fixed pieces. Between two of them stands a parameter.
    pieces: Vec<String>,
}

impl Template {
    pub(super) fn new(path: &str) -> Self {
        let mut pieces = vec![String::new()];
        let mut inside = 0_u32;
        for letter in path.chars() {
            match letter {
                '{' | '<' => {
                    if inside == 0 {
                        pieces.push(String::new());
                    }
                    inside += 1;
                }
                '}' | '>' => inside = inside.saturating_sub(1),
                '*' if inside == 0 => pieces.push(String::new()),
                _ if inside == 0 => {
                    if let Some(last) = pieces.last_mut() {
                        last.push(letter);
                    }
                }
                _ => {}
            }
        }
        Self { pieces }
    }

    fn fixed(&self) -> Option<&str> {
        match &self.pieces[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    pub(super) fn equals(&self, other: &str) -> Holds {
        if let Some(fixed) = self.fixed() {
            return Holds::of(fixed == other);
        }
        let (first, last) = (&self.pieces[0], &self.pieces[self.pieces.len() - 1]);
        let fits = other.len() >= first.len() + last.len()
            && other.starts_with(first.as_str())
            && other.ends_with(last.as_str());
        if fits { Holds::Perhaps } else { Holds::No }
    }

    pub(super) fn starts_with(&self, start: &str) -> Holds {
        let first = &self.pieces[0];
        if first.starts_with(start) {
            return Holds::Yes;
        }
        if self.fixed().is_none() && start.starts_with(first.as_str()) {
            Holds::Perhaps
        } else {
            Holds::No
        }
    }

    pub(super) fn ends_with(&self, end: &str) -> Holds {
        let last = &self.pieces[self.pieces.len() - 1];
        if last.ends_with(end) {
            return Holds::Yes;
        }
        if self.fixed().is_none() && end.ends_with(last.as_str()) {
            Holds::Perhaps
        } else {
            Holds::No
        }
    }

    pub(super) fn contains(&self, part: &str) -> Holds {
        if self.pieces.iter().any(|piece| piece.contains(part)) {
            return Holds::Yes;
        }
        if self.fixed().is_none() {
            Holds::Perhaps
        } else {
            Holds::No
        }
    }
}

/// Judges conditions for one route.
pub(super) struct PathReader<'r, 'a> {
    pub(super) interpreter: &'r mut Interpreter<'a>,
    pub(super) scope: &'r Scope<'a>,
    pub(super) taint: &'r Taint,
    pub(super) template: &'r Template,
    /// Empty: all.
    pub(super) methods: &'r [String],
    pub(super) websocket: bool,
}

impl<'a> PathReader<'_, 'a> {
    /// Whether a condition holds for the route; `None` if it is not about path, method or kind.
    pub(super) fn holds(&mut self, test: &'a Expr) -> Option<Holds> {
        match test {
            Expr::BooleanLiteral(literal) => Some(Holds::of(literal.value)),
            Expr::Named(named) => self.holds(&named.value),
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                Some(self.holds(&unary.operand)?.not())
            }
            Expr::BoolOp(several) => self.several(several.op, &several.values),
            Expr::Compare(compare) => {
                let mut found = Vec::new();
                let mut left = &*compare.left;
                for (op, right) in compare.ops.iter().zip(&compare.comparators) {
                    found.push(self.compared(left, *op, right)?);
                    left = right;
                }
                Some(Holds::all(found))
            }
            Expr::Call(call) => self.called(test, call),
            Expr::Name(_) if self.taint.reads_path(test) => Some(Holds::Perhaps),
            _ => None,
        }
    }

    /// `and` and `or`, where a part that is about something else leaves it open unless another part decides.
    fn several(&mut self, op: BoolOp, values: &'a [Expr]) -> Option<Holds> {
        let each: Vec<Option<Holds>> = values.iter().map(|value| self.holds(value)).collect();
        let decisive = if op == BoolOp::And {
            Holds::No
        } else {
            Holds::Yes
        };
        if each.contains(&Some(decisive)) {
            return Some(decisive);
        }
        if each.iter().any(Option::is_none) {
            return None;
        }
        let known = each.into_iter().flatten();
        Some(if op == BoolOp::And {
            Holds::all(known)
        } else {
            Holds::any(known)
        })
    }

    fn compared(&mut self, left: &'a Expr, op: CmpOp, right: &'a Expr) -> Option<Holds> {
        let positive = match op {
            CmpOp::Eq | CmpOp::In | CmpOp::Is => true,
            CmpOp::NotEq | CmpOp::NotIn | CmpOp::IsNot => false,
            _ => return None,
        };
        let among = matches!(op, CmpOp::In | CmpOp::NotIn);
        let found = if self.taint.is_path(left) {
            self.path_among(right, among)
        } else if self.taint.is_path(right) && among {
            let part = text(left)
                .map(str::to_owned)
                .or_else(|| self.constants(left)?.into_iter().next());
            part.map_or(Holds::Perhaps, |part| self.template.contains(&part))
        } else if self.taint.is_path(right) {
            self.path_among(left, false)
        } else if self.is_item(left, "method") {
            self.method_among(right)
        } else if self.is_item(left, "type") {
            self.type_among(right)
        } else if self.taint.reads_path(left) || self.taint.reads_path(right) {
            Holds::Perhaps
        } else {
            return None;
        };
        Some(if positive { found } else { found.not() })
    }

    fn path_among(&mut self, side: &'a Expr, among: bool) -> Holds {
        let Some(constants) = self.constants(side) else {
            return Holds::Perhaps;
        };
        if !among && constants.len() > 1 {
            return Holds::Perhaps;
        }
        Holds::any(
            constants
                .iter()
                .map(|constant| self.template.equals(constant)),
        )
    }

    fn method_among(&mut self, side: &'a Expr) -> Holds {
        let Some(constants) = self.constants(side) else {
            return Holds::Perhaps;
        };
        if self.websocket {
            return Holds::No;
        }
        if self.methods.is_empty() {
            return Holds::Perhaps;
        }
        let inside = |method: &String| {
            constants
                .iter()
                .any(|constant| constant.eq_ignore_ascii_case(method))
        };
        // A HEAD is let in as a GET is; routes are known by their main method.
        let count = self.methods.iter().filter(|method| inside(method)).count();
        match count {
            0 => Holds::No,
            all if all == self.methods.len() => Holds::Yes,
            _ => Holds::Perhaps,
        }
    }

    fn type_among(&mut self, side: &'a Expr) -> Holds {
        let Some(constants) = self.constants(side) else {
            return Holds::Perhaps;
        };
        let own = if self.websocket { "websocket" } else { "http" };
        Holds::of(constants.iter().any(|constant| constant == own))
    }

    /// `request.method`, `scope["method"]`, `scope.get("type")`.
    fn is_item(&self, expression: &Expr, item: &str) -> bool {
        match expression {
            Expr::Attribute(attribute) => {
                attribute.attr.as_str() == item && self.taint.is_carrier(&attribute.value)
            }
            Expr::Subscript(subscript) => {
                text(&subscript.slice) == Some(item) && self.taint.is_carrier(&subscript.value)
            }
            Expr::Call(call) => {
                if let Expr::Attribute(method) = &*call.func
                    && matches!(method.attr.as_str(), "upper" | "lower")
                {
                    return self.is_item(&method.value, item);
                }
                key_of_get(expression)
                    .is_some_and(|(base, key)| key == item && self.taint.is_carrier(base))
            }
            _ => false,
        }
    }

    fn called(&mut self, test: &'a Expr, call: &'a ruff_python_ast::ExprCall) -> Option<Holds> {
        if let Expr::Attribute(method) = &*call.func
            && self.taint.is_path(&method.value)
        {
            let argument = call.arguments.args.first()?;
            let Some(constants) = self.constants(argument) else {
                return Some(Holds::Perhaps);
            };
            let template = self.template.clone();
            return Some(match method.attr.as_str() {
                "startswith" => Holds::any(constants.iter().map(|one| template.starts_with(one))),
                "endswith" => Holds::any(constants.iter().map(|one| template.ends_with(one))),
                _ => Holds::Perhaps,
            });
        }
        if let (Expr::Name(name), [Expr::Generator(generator)]) =
            (&*call.func, &*call.arguments.args)
            && matches!(name.id.as_str(), "any" | "all")
            && let [comprehension] = &*generator.generators
            && self.taint.reads_path(&generator.elt)
        {
            let Expr::Name(target) = &comprehension.target else {
                return Some(Holds::Perhaps);
            };
            let Some(constants) = self.constants(&comprehension.iter) else {
                return Some(Holds::Perhaps);
            };
            let each: Vec<Holds> = constants
                .iter()
                .map(|one| self.element(&generator.elt, target.id.as_str(), one))
                .collect();
            return Some(if name.id == "any" {
                Holds::any(each)
            } else {
                Holds::all(each)
            });
        }
        self.taint.reads_path(test).then_some(Holds::Perhaps)
    }

    /// The element of a comprehension, with its name standing for a text.
    fn element(&mut self, element: &'a Expr, name: &str, value: &str) -> Holds {
        let is_name = |side: &Expr| matches!(side, Expr::Name(known) if known.id == name);
        match element {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                self.element(&unary.operand, name, value).not()
            }
            Expr::BoolOp(several) => {
                let each: Vec<Holds> = several
                    .values
                    .iter()
                    .map(|inner| self.element(inner, name, value))
                    .collect();
                if several.op == BoolOp::And {
                    Holds::all(each)
                } else {
                    Holds::any(each)
                }
            }
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(method)
                    if self.taint.is_path(&method.value)
                        && call.arguments.args.first().is_some_and(is_name) =>
                {
                    match method.attr.as_str() {
                        "startswith" => self.template.starts_with(value),
                        "endswith" => self.template.ends_with(value),
                        _ => Holds::Perhaps,
                    }
                }
                _ => Holds::Perhaps,
            },
            Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
                ([CmpOp::Eq], [right])
                    if self.taint.is_path(&compare.left) && is_name(right)
                        || self.taint.is_path(right) && is_name(&compare.left) =>
                {
                    self.template.equals(value)
                }
                ([CmpOp::In], [right]) if self.taint.is_path(right) && is_name(&compare.left) => {
                    self.template.contains(value)
                }
                _ => Holds::Perhaps,
            },
            _ => Holds::Perhaps,
        }
    }

    /// The texts that an expression stands for, if all of them are known.
    fn constants(&mut self, expression: &'a Expr) -> Option<Vec<String>> {
        if let Some(text) = text(expression) {
            return Some(vec![text.to_owned()]);
        }
        let items = match expression {
            Expr::Set(set) => Some(&set.elts),
            Expr::Tuple(tuple) => Some(&tuple.elts),
            Expr::List(list) => Some(&list.elts),
            _ => None,
        };
        if let Some(items) = items {
            let mut all = Vec::new();
            for item in items {
                all.extend(self.constants(item)?);
            }
            return Some(all);
        }
        let value = self.interpreter.evaluate(expression, self.scope);
        known_texts(&value)
    }
}

fn known_texts(value: &Value<'_>) -> Option<Vec<String>> {
    match value {
        Value::Str(text) if !text.contains('<') => Some(vec![text.to_string()]),
        Value::Sequence(sequence) => {
            let items = sequence.items.borrow();
            let known = sequence.open.borrow().is_none()
                && items
                    .iter()
                    .all(|item| matches!(item, Value::Str(text) if !text.contains('<')));
            known.then(|| items.iter().flat_map(texts).collect())
        }
        _ => None,
    }
}

/// Whether a condition looks at a part of the request's path: its start, its end, or a place in it.
pub(super) fn decides_by_part(taint: &Taint, test: &Expr) -> bool {
    use ruff_python_ast::visitor::{Visitor, walk_expr};
    struct Search<'t> {
        taint: &'t Taint,
        found: bool,
    }
    impl<'e> Visitor<'e> for Search<'_> {
        fn visit_expr(&mut self, expression: &'e Expr) {
            match expression {
                Expr::Call(call) => {
                    if let Expr::Attribute(method) = &*call.func {
                        self.found |= matches!(method.attr.as_str(), "startswith" | "endswith")
                            && self.taint.is_path(&method.value);
                        self.found |=
                            matches!(method.attr.as_str(), "match" | "search" | "fullmatch")
                                && call
                                    .arguments
                                    .args
                                    .iter()
                                    .any(|argument| self.taint.is_path(argument));
                    }
                }
                Expr::Compare(compare) => {
                    let mut left = &*compare.left;
                    for (op, right) in compare.ops.iter().zip(&compare.comparators) {
                        self.found |= matches!(op, CmpOp::In | CmpOp::NotIn)
                            && (self.taint.is_path(right) || self.taint.is_path(left));
                        left = right;
                    }
                }
                _ => {}
            }
            walk_expr(self, expression);
        }
    }
    let mut search = Search {
        taint,
        found: false,
    };
    search.visit_expr(test);
    search.found
}
