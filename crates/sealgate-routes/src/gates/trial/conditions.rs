//! What conditions are for a stranger.

use std::rc::Rc;

use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};

use super::kinds::join;
use super::{Kind, State, Trial};
use crate::gates::bearing::{identifies, text};
use crate::gates::paths::{Holds, PathReader};

/// What a condition is for a stranger.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Yes,
    No,
    /// It judges what the stranger brings. Whether it is true of who is let in, where that can be told.
    Judged(Option<bool>),
    /// It asks for something that is not the caller's.
    Config,
    /// The stranger has it as is wanted; certainly, or perhaps.
    Chosen(bool, Rc<str>),
}

impl Test {
    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Judged(good) => Self::Judged(good.map(|good| !good)),
            other => other,
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Yes => Kind::True,
            Self::No => Kind::False,
            Self::Judged(_) => Kind::Judged,
            Self::Config => Kind::Plain,
            Self::Chosen(true, _) => Kind::Form,
            Self::Chosen(false, _) => Kind::Shape,
        }
    }

    /// `and`, and by way of that `or`.
    fn and(several: &[Self]) -> Self {
        if several.iter().any(|one| matches!(one, Self::No)) {
            return Self::No;
        }
        // What a stranger fails makes it false, whatever the others are.
        if several
            .iter()
            .any(|one| matches!(one, Self::Judged(Some(true))))
        {
            return Self::Judged(Some(true));
        }
        if let Some(chosen) = several.iter().find(|one| matches!(one, Self::Chosen(..))) {
            return chosen.clone();
        }
        let judged = several.iter().find(|one| matches!(one, Self::Judged(_)));
        match judged {
            Some(_) if several.iter().any(|one| matches!(one, Self::Config)) => Self::Config,
            Some(judged) => judged.clone(),
            None if several.iter().any(|one| matches!(one, Self::Config)) => Self::Config,
            None => Self::Yes,
        }
    }
}

impl<'a> Trial<'_, 'a> {
    /// What a condition is.
    pub(super) fn test(&mut self, test: &'a Expr, state: &mut State) -> Test {
        if let Some(target) = &self.target {
            let mut taint = crate::gates::bearing::Taint::default();
            for (name, kind) in &state.kinds {
                match kind {
                    Kind::Carrier => taint.carriers.insert(name.clone()),
                    Kind::Shape => taint.paths.insert(name.clone()),
                    _ => false,
                };
            }
            let scope = self.scope.clone();
            let holds = PathReader {
                interpreter: self.interpreter,
                scope: &scope,
                taint: &taint,
                template: &target.template,
                methods: target.methods,
                websocket: target.websocket,
            }
            .holds(test);
            match holds {
                Some(Holds::Yes) => return Test::Yes,
                Some(Holds::No) => return Test::No,
                _ => {}
            }
        }
        match test {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                self.test(&unary.operand, state).not()
            }
            Expr::BoolOp(several) => {
                let and = several.op == BoolOp::And;
                let mut each = Vec::new();
                for value in &several.values {
                    let one = self.test(value, state);
                    let ends = matches!((&one, and), (Test::No, true) | (Test::Yes, false));
                    if self.event.is_some() {
                        // Perhaps it is not asked at all, but for a stranger it is.
                        return one;
                    }
                    each.push(if and { one } else { one.not() });
                    if ends {
                        break;
                    }
                }
                let all = Test::and(&each);
                if and { all } else { all.not() }
            }
            Expr::Compare(compare) => {
                let ([op], [right]) = (&*compare.ops, &*compare.comparators) else {
                    let mut kind = self.kind(&compare.left, state);
                    for side in &compare.comparators {
                        kind = join(kind, self.kind(side, state));
                    }
                    return self.by_kind(kind, test);
                };
                self.compared(&compare.left, *op, right, state, test)
            }
            Expr::Named(named) => {
                let kind = self.kind(&named.value, state);
                if let Expr::Name(name) = &*named.target {
                    state.kinds.insert(name.id.as_str().into(), kind);
                }
                self.by_kind(kind, test)
            }
            _ => {
                let known = std::mem::replace(&mut self.asking, true);
                let kind = self.kind(test, state);
                self.asking = known;
                self.by_kind(kind, test)
            }
        }
    }

    fn by_kind(&mut self, kind: Kind, test: &Expr) -> Test {
        self.tested |= kind != Kind::Plain;
        match truth(kind) {
            Test::Chosen(sure, _) => Test::Chosen(sure, self.why(test)),
            other => other,
        }
    }

    fn why(&self, test: &Expr) -> Rc<str> {
        format!("it decides by `{}`", self.text(test)).into()
    }

    fn compared(
        &mut self,
        left: &'a Expr,
        op: CmpOp,
        right: &'a Expr,
        state: &mut State,
        test: &'a Expr,
    ) -> Test {
        let one = self.kind(left, state);
        if let (CmpOp::In | CmpOp::NotIn, true) = (op, self.is_source(right, state)) {
            self.tested = true;
            let there = match text(left) {
                Some(key) if identifies(key) => truth_of(self.own(key) == Kind::Brought),
                Some(_) => Test::Chosen(false, self.why(test)),
                None => Test::Chosen(true, self.why(test)),
            };
            return if op == CmpOp::In { there } else { there.not() };
        }
        let other = self.kind(right, state);
        let same = matches!(op, CmpOp::Eq | CmpOp::Is | CmpOp::In);
        let differs = matches!(op, CmpOp::NotEq | CmpOp::IsNot | CmpOp::NotIn);
        let nothing = matches!(right, Expr::NoneLiteral(_))
            || matches!(right, Expr::StringLiteral(literal) if literal.value.is_empty());
        self.tested |= one != Kind::Plain || other != Kind::Plain;
        let good = if nothing { differs } else { same };
        match (one, other) {
            _ if self.event.is_some() => Test::Judged(None),
            (Kind::Brought | Kind::True, _) if nothing => truth_of(differs),
            (Kind::Absent | Kind::Nothing | Kind::False, _) if nothing => truth_of(same),
            (Kind::True | Kind::False, Kind::True | Kind::False) => {
                truth_of((one == other) == same)
            }
            (Kind::Judged, _) | (_, Kind::Judged) => {
                let told = (same || differs) && !matches!(right, Expr::NumberLiteral(_));
                // `valid is False`
                let good = if other == Kind::False { !good } else { good };
                Test::Judged(told.then_some(good))
            }
            (Kind::Brought, Kind::Brought) => Test::Chosen(true, self.why(test)),
            (Kind::Brought | Kind::Form, _) | (_, Kind::Brought | Kind::Form) => {
                let literal = |side: &Expr| says_no_more(side);
                if is_word(left) || is_word(right) {
                    return Test::Chosen(false, self.why(test));
                }
                let form = literal(left) || literal(right)
                    || one == Kind::Form || other == Kind::Form
                    || !(same || differs)
                    // `"." in token`
                    || matches!(op, CmpOp::In | CmpOp::NotIn) && other == Kind::Brought && text(left).is_some();
                if form {
                    Test::Chosen(true, self.why(test))
                } else {
                    Test::Judged(Some(same))
                }
            }
            (Kind::Shape | Kind::Carrier, _) | (_, Kind::Shape) => {
                Test::Chosen(false, self.why(test))
            }
            (Kind::Absent, _) | (_, Kind::Absent) => {
                Test::Judged((same || differs).then_some(same))
            }
            _ => Test::Config,
        }
    }
}

fn truth_of(yes: bool) -> Test {
    if yes { Test::Yes } else { Test::No }
}

/// What it is that something of this kind is true.
pub(super) fn truth(kind: Kind) -> Test {
    match kind {
        Kind::Plain => Test::Config,
        Kind::Absent | Kind::Nothing | Kind::False => Test::No,
        Kind::Brought | Kind::True | Kind::Carrier | Kind::Source => Test::Yes,
        Kind::Judged => Test::Judged(Some(true)),
        Kind::Shape => Test::Chosen(false, "it decides by something of the request".into()),
        Kind::Form => Test::Chosen(true, "it checks the form".into()),
    }
}

/// A literal that everybody knows to send: a number, the name of a scheme, a yes.
fn says_no_more(side: &Expr) -> bool {
    match side {
        Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) => true,
        Expr::Tuple(several) => several.elts.iter().all(says_no_more),
        Expr::List(several) => several.elts.iter().all(says_no_more),
        Expr::Set(several) => several.elts.iter().all(says_no_more),
        _ => text(side).is_some_and(|text| {
            let text = text.trim().to_ascii_lowercase();
            // A short word is no secret.
            text.len() < 8
                || matches!(
                    text.as_str(),
                    "internal" | "undefined" | "localhost" | "negotiate" | "anonymous"
                )
        }),
    }
}

/// A word in the source, which may be a role as well as a secret.
fn is_word(side: &Expr) -> bool {
    !says_no_more(side)
        && text(side).is_some_and(|text| !text.contains(|letter: char| letter.is_ascii_digit()))
}
