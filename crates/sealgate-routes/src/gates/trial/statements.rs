//! The stranger's way through statements.

use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt};

use super::conditions::Test;
use super::kinds::join;
use super::{Event, Kind, Level, Outcome, State, Trial, Way};
use crate::evaluate::value::Value;

impl Outcome {
    pub(super) fn falls(state: State) -> Self {
        Self {
            falls: Some(state),
            ..Self::default()
        }
    }

    fn stopped(raises: Vec<Rc<str>>) -> Self {
        Self {
            stops: true,
            raises,
            ..Self::default()
        }
    }

    pub(super) fn passes(&mut self, state: &State, given: Kind) {
        let way = Way {
            level: state.level,
            why: state.why.clone(),
        };
        if self
            .pass
            .as_ref()
            .is_none_or(|known| known.level < way.level)
        {
            self.pass = Some(way);
        }
        self.given = Some(self.given.map_or(given, |known| join(known, given)));
    }

    fn only_stops(&self) -> bool {
        self.stops && self.pass.is_none() && self.falls.is_none()
    }

    /// Both may happen.
    pub(super) fn or(mut self, other: Self) -> Self {
        self.stops |= other.stops;
        self.tested |= other.tested;
        self.pass = match (self.pass, other.pass) {
            (Some(one), Some(two)) => Some(if one.level >= two.level { one } else { two }),
            (one, two) => one.or(two),
        };
        self.given = match (self.given, other.given) {
            (Some(one), Some(two)) => Some(join(one, two)),
            (one, two) => one.or(two),
        };
        self.raises.extend(other.raises);
        self.falls = match (self.falls, other.falls) {
            (Some(one), Some(two)) => Some(one.or(&two)),
            (one, two) => one.or(two),
        };
        self
    }
}

impl State {
    fn or(mut self, other: &Self) -> Self {
        for (name, kind) in &mut self.kinds {
            // What only one side knows of was nothing before.
            *kind = join(*kind, other.kinds.get(name).copied().unwrap_or(*kind));
        }
        for (name, kind) in &other.kinds {
            self.kinds.entry(name.clone()).or_insert(*kind);
        }
        if other.level > self.level {
            self.level = other.level;
            self.why.clone_from(&other.why);
        }
        self
    }

    pub(super) fn lowered(mut self, level: Level, why: &Rc<str>) -> Self {
        if level < self.level {
            self.level = level;
            self.why = Some(why.clone());
        }
        self
    }
}

impl<'a> Trial<'_, 'a> {
    pub(super) fn block(&mut self, body: &'a [Stmt], state: State) -> Outcome {
        let mut found = Outcome::falls(state);
        for statement in body {
            let Some(state) = found.falls.take() else {
                break;
            };
            let next = self.statement(statement, state);
            found = found.or(next);
        }
        found
    }

    /// What an expression did, or what is left of the state.
    pub(super) fn settle(&mut self, state: State) -> Outcome {
        let tested = std::mem::take(&mut self.tested);
        let mut found = match self.event.take() {
            Some(Event { raises }) => Outcome::stopped(raises),
            None => Outcome::falls(state),
        };
        found.tested |= tested || found.stops;
        found
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each kind of statement")]
    fn statement(&mut self, statement: &'a Stmt, mut state: State) -> Outcome {
        if self.steps == 0 {
            return Outcome::falls(state);
        }
        self.steps -= 1;
        match statement {
            Stmt::Expr(inner) => {
                if let Expr::Yield(_) | Expr::YieldFrom(_) = &*inner.value {
                    return self.given(&inner.value, &mut state);
                }
                if self.hands_on(&inner.value, &state) {
                    let mut found = Outcome::default();
                    found.passes(&state, Kind::Plain);
                    return found;
                }
                if self.answers && self.sends(&inner.value) {
                    // It is sent, and the next statement follows.
                    return Outcome::falls(state);
                }
                if let Some(why) = self.tells(&inner.value, &mut state) {
                    return Outcome::falls(state.lowered(Level::Perhaps, &why));
                }
                self.kind(&inner.value, &mut state);
                self.settle(state)
            }
            Stmt::Assign(assign) => {
                if let Expr::Yield(_) = &*assign.value {
                    return self.given(&assign.value, &mut state);
                }
                if self.hands_on(&assign.value, &state) {
                    let mut found = Outcome::default();
                    found.passes(&state, Kind::Plain);
                    return found;
                }
                let kind = self.kind(&assign.value, &mut state);
                for target in &assign.targets {
                    if let (Expr::Name(name), Expr::Call(_), 0) =
                        (target, &*assign.value, self.depth)
                    {
                        self.assigned.insert(name.id.as_str(), &assign.value);
                    }
                    bind(&mut state, target, kind);
                }
                self.settle(state)
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let kind = self.kind(value, &mut state);
                    bind(&mut state, &assign.target, kind);
                }
                self.settle(state)
            }
            Stmt::AugAssign(assign) => {
                self.kind(&assign.value, &mut state);
                self.settle(state)
            }
            Stmt::Return(returned) => {
                if let Some(value) = &returned.value {
                    return self.given(value, &mut state);
                }
                let mut found = Outcome::default();
                if self.answers && self.depth == 0 {
                    found.stops = true;
                } else {
                    found.passes(&state, Kind::Nothing);
                }
                found
            }
            Stmt::Raise(raise) => {
                let class = raise
                    .exc
                    .as_deref()
                    .map_or_else(|| "?".into(), |of| self.class_name(of));
                self.event = None;
                Outcome::stopped(vec![class])
            }
            Stmt::Assert(assert) => match self.test(&assert.test, &mut state) {
                Test::Yes | Test::Config | Test::Chosen(..) => self.settle(state),
                Test::No | Test::Judged(_) => Outcome {
                    tested: true,
                    ..Outcome::stopped(vec!["AssertionError".into()])
                },
            },
            Stmt::If(branch) => {
                let mut tests: Vec<(Option<&'a Expr>, &'a [Stmt])> =
                    vec![(Some(&branch.test), &branch.body)];
                for clause in &branch.elif_else_clauses {
                    tests.push((clause.test.as_ref(), &clause.body));
                }
                self.branches(&tests, state)
            }
            Stmt::For(round) => {
                let kind = self.kind(&round.iter, &mut state);
                bind(&mut state, &round.target, kind);
                let over = self.settle(state);
                let Some(state) = over.falls.clone() else {
                    return over;
                };
                let inside = self.block(&round.body, state.clone());
                let whole = matches!(kind, Kind::Plain | Kind::Judged) && inside.only_stops();
                // What is looped over may be empty: for the settings that is as it is.
                let outside = if whole {
                    state.lowered(Level::Configured, &"what it loops over is empty".into())
                } else {
                    state
                };
                let found = inside.or(Outcome::falls(outside));
                self.after(found, &round.orelse)
            }
            Stmt::While(round) => {
                let forever =
                    matches!(&*round.test, Expr::BooleanLiteral(literal) if literal.value);
                let _ = self.test(&round.test, &mut state);
                self.event = None;
                let inside = self.block(&round.body, state.clone());
                let found = if forever {
                    inside
                } else {
                    inside.or(Outcome::falls(state))
                };
                self.after(found, &round.orelse)
            }
            Stmt::With(with) => self.with(with, state),
            Stmt::Match(choice) => {
                let subject = self.kind(&choice.subject, &mut state);
                let over = self.settle(state);
                let Some(state) = over.falls.clone() else {
                    return over;
                };
                let mut found = Outcome::default();
                let mut total = false;
                for case in &choice.cases {
                    total |= case.guard.is_none() && case.pattern.is_irrefutable();
                    let inside = self.block(&case.body, state.clone());
                    if total && subject == Kind::Judged && inside.only_stops() {
                        return Outcome {
                            tested: true,
                            ..inside
                        };
                    }
                    found = found.or(inside);
                }
                if total {
                    found
                } else {
                    found.or(Outcome::falls(state))
                }
            }
            Stmt::Try(attempt) => self.attempt(attempt, &state),
            // What comes after the loop is taken to follow.
            _ => Outcome::falls(state),
        }
    }

    fn after(&mut self, mut found: Outcome, orelse: &'a [Stmt]) -> Outcome {
        match found.falls.take() {
            Some(state) => {
                let next = self.block(orelse, state);
                found.or(next)
            }
            None => found,
        }
    }

    /// What is returned or yielded.
    pub(super) fn given(&mut self, value: &'a Expr, state: &mut State) -> Outcome {
        let (value, awaited) = match value {
            Expr::Await(inner) => (&*inner.value, true),
            Expr::Yield(inner) => {
                let mut found = Outcome::default();
                if let Some(inner) = &inner.value {
                    let kind = self.kind(inner, state);
                    found = self.settle(state.clone());
                    if found.falls.take().is_none() {
                        return found;
                    }
                    found.passes(state, kind);
                } else {
                    found.passes(state, Kind::Nothing);
                }
                return found;
            }
            other => (other, false),
        };
        if let Expr::If(either) = value {
            let test = self.test(&either.test, state);
            let over = self.settle(state.clone());
            if over.falls.is_none() {
                return over;
            }
            let words = self.text(&either.test);
            let inside = self.given(&either.body, &mut Self::under(state, &test, &words));
            let outside = self.given(&either.orelse, &mut Self::under(state, &test, &words));
            return Self::decide(&test, inside, outside, state, &words);
        }
        if self.hands_on(value, state) {
            let mut found = Outcome::default();
            found.passes(state, Kind::Plain);
            return found;
        }
        let kind = self.kind_of(value, state, awaited);
        let mut found = self.settle(state.clone());
        if found.falls.take().is_none() {
            return found;
        }
        if self.answers && self.depth == 0 {
            // Whatever is answered, the request was not handed on.
            found.stops = true;
            return found;
        }
        found.passes(state, kind);
        found
    }

    /// Whether an answer is sent: `await JSONResponse(..., 401)(scope, receive, send)`.
    fn sends(&mut self, value: &'a Expr) -> bool {
        let Expr::Await(inner) = value else {
            return false;
        };
        let Expr::Call(call) = &*inner.value else {
            return false;
        };
        let callee = self.value(&call.func);
        callee
            .alternatives()
            .iter()
            .any(|one| matches!(one, Value::Made(made) if made.callee.ends_with("Response")))
    }

    /// A call of something that is not in the source, which is handed the whole request and asked nothing.
    fn tells(&mut self, value: &'a Expr, state: &mut State) -> Option<Rc<str>> {
        let value = match value {
            Expr::Await(inner) => &*inner.value,
            other => other,
        };
        let Expr::Call(call) = value else { return None };
        if !call
            .arguments
            .args
            .iter()
            .any(|argument| Self::is_carrier(argument, state))
        {
            return None;
        }
        let callee = self.value(&call.func);
        let outside = matches!(
            &callee,
            Value::External(_) | Value::Made(_) | Value::Unknown(_)
        );
        let words = self.text(&call.func);
        (outside && super::names::elsewhere_of(&callee).is_none()).then(|| {
            format!("it hands the request to `{words}`, which is not in the source").into()
        })
    }

    fn under(state: &State, test: &Test, words: &Rc<str>) -> State {
        match test {
            Test::Config => state.clone().lowered(Level::Configured, words),
            Test::Chosen(false, why) => state.clone().lowered(Level::Perhaps, why),
            _ => state.clone(),
        }
    }

    fn branches(&mut self, tests: &[(Option<&'a Expr>, &'a [Stmt])], mut state: State) -> Outcome {
        let Some(((test, body), rest)) = tests.split_first() else {
            return Outcome::falls(state);
        };
        let Some(expression) = test else {
            return self.block(body, state);
        };
        let test = self.test(expression, &mut state);
        let over = self.settle(state);
        let tested = over.tested;
        let Some(mut state) = over.falls.clone() else {
            return over;
        };
        match test {
            Test::Yes => {
                let mut found = self.block(body, state);
                found.tested = true;
                found
            }
            Test::No => {
                let mut found = self.branches(rest, state);
                found.tested = true;
                found
            }
            _ => {
                let words = self.text(expression);
                let inside = self.block(body, Self::under(&state, &test, &words));
                let outside = self.branches(rest, Self::under(&state, &test, &words));
                let mut found = Self::decide(&test, inside, outside, &mut state, &words);
                found.tested |= tested;
                found
            }
        }
    }

    /// What comes of a test that is not known, from what both of its sides come to.
    fn decide(
        test: &Test,
        inside: Outcome,
        outside: Outcome,
        before: &mut State,
        words: &Rc<str>,
    ) -> Outcome {
        let back = |mut outcome: Outcome| {
            if let Some(state) = &mut outcome.falls {
                state.level = before.level;
                state.why.clone_from(&before.why);
            }
            outcome
        };
        match test {
            Test::Yes => inside,
            Test::No => outside,
            Test::Judged(good) => {
                // The stranger fails: where one side denies, it is that one.
                let mut found = if inside.only_stops() {
                    inside
                } else if outside.only_stops() {
                    outside
                } else {
                    match good {
                        Some(true) if inside.pass.is_some() && inside.falls.is_none() => outside,
                        Some(false) if outside.pass.is_some() && outside.falls.is_none() => inside,
                        Some(true)
                            if outside.falls.is_some()
                                && outside.pass.is_none()
                                && inside.pass.is_none() =>
                        {
                            outside.or(Outcome {
                                falls: None,
                                pass: None,
                                ..inside
                            })
                        }
                        _ => inside.or(outside),
                    }
                };
                found.tested = true;
                found
            }
            Test::Config => {
                let tested = inside.tested || outside.tested;
                let stops = inside.only_stops() || outside.only_stops();
                let both = inside.or(outside);
                if stops && tested { both } else { back(both) }
            }
            Test::Chosen(sure, _) => {
                let stops = inside.only_stops() || outside.only_stops();
                let mut both = inside.or(outside);
                both.tested = true;
                if *sure || !stops { back(both) } else { both }
            }
        }
        .with_reason(words)
    }
}

impl Outcome {
    fn with_reason(mut self, words: &Rc<str>) -> Self {
        if let Some(way) = &mut self.pass
            && way.level == Level::Perhaps
            && way.why.is_none()
        {
            way.why = Some(words.clone());
        }
        self
    }
}

/// Names take over what they are assigned.
pub(super) fn bind(state: &mut State, target: &Expr, kind: Kind) {
    match target {
        Expr::Name(name) => {
            state.kinds.insert(name.id.as_str().into(), kind);
        }
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| bind(state, item, kind)),
        Expr::List(list) => list.elts.iter().for_each(|item| bind(state, item, kind)),
        Expr::Starred(starred) => bind(state, &starred.value, kind),
        // What is kept with the request is what was put there.
        Expr::Attribute(attribute) if is_kept(&attribute.value) => {
            state.kinds.insert(kept(attribute.attr.as_str()), kind);
        }
        _ => {}
    }
}

/// `request.state`
pub(super) fn is_kept(holder: &Expr) -> bool {
    matches!(holder, Expr::Attribute(attribute) if attribute.attr.as_str() == "state")
}

/// What something that is kept with the request is known by; no name of Python looks like it.
pub(super) fn kept(name: &str) -> Rc<str> {
    format!("state.{name}").into()
}
