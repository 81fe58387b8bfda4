//! Checks that a handler makes itself, before it does anything else.

use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::Gates;
use super::bearing::Bearing;
use super::body::{Flow, Mode, Walker};
use super::judge::at_least_user;
use super::judgement::{Flaw, FlawKind, Judgement, Verdict};
use super::tree::taken;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Definition, Spot, Value};

/// What a handler checks by itself.
#[derive(Default)]
pub(super) struct Checks {
    pub(super) gate: Option<Rc<Judgement>>,
    /// A check that is not proven to come first, or not understood.
    pub(super) later: Option<Rc<str>>,
    pub(super) flaws: Vec<Flaw>,
}

/// Looks at the first statements of `handler`. `plain`: a handler of Starlette, whose parameter is the request.
pub(super) fn checks<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    handler: &Value<'a>,
    plain: bool,
    settled: bool,
) -> Checks {
    let Some(function) = interpreter.function_of(handler) else {
        return Checks::default();
    };
    let Definition::Function(definition) = function.definition else {
        return Checks::default();
    };
    if !gates.config.infer {
        return Checks::default();
    }
    let quiet = std::mem::replace(&mut interpreter.quiet, true);
    let receiver = match handler {
        Value::Method(method) => Some(method.receiver.clone()),
        _ => None,
    };
    let takes = taken(interpreter, gates, handler);
    let scope = gates.locals(interpreter, &function, receiver.as_ref());
    let mut walker = Walker::new(
        interpreter,
        gates,
        function.clone(),
        scope,
        Mode::Answer,
        SHALLOW,
    );
    walker.taint = takes.taint;
    walker.note_carriers();
    if plain {
        let parameters = definition
            .parameters
            .posonlyargs
            .iter()
            .chain(&definition.parameters.args);
        let mut names = parameters.map(|parameter| parameter.parameter.name.as_str());
        let first = if receiver.is_some() {
            names.nth(1)
        } else {
            names.next()
        };
        if let Some(first) = first {
            walker.taint.carriers.insert(first.into());
        }
    }
    let mut look = Look {
        walker,
        first: true,
        settled,
        acted: None,
        found: None,
        later: None,
    };
    look.block(&definition.body);
    let Look {
        mut walker,
        found,
        later,
        ..
    } = look;
    let flaws = std::mem::take(&mut walker.out.flaws);
    let credential = walker.out.credential;
    let mut own = Checks {
        gate: None,
        later: None,
        flaws,
    };
    if let Some((line_of, strength, status)) = found {
        let name = walker.interpreter.name_of(handler);
        let through = walker.out.through.first().cloned();
        let named = through
            .as_ref()
            .map_or_else(|| name.into(), |through| through.name.clone());
        let mut judged = Judgement::new(named, Verdict::Gate);
        judged.spot = Some(line_of);
        judged.credential = credential;
        judged.statuses.insert(status);
        judged.strength = at_least_user(strength);
        judged.through.clone_from(&walker.out.through);
        own.gate = Some(Rc::new(judged));
    } else if let Some((spot, why)) = later {
        let line = walker.interpreter.place(spot).line;
        let why = match why {
            Some(why) => format!("a check in the handler at line {line} is not understood: {why}"),
            None => format!("a check in the handler at line {line} is not proven to come first"),
        };
        own.later = Some(why.into());
    }
    walker.interpreter.quiet = quiet;
    own
}

/// Calls in handlers are not followed as deep as those in dependencies: what matters stands close to the surface.
const SHALLOW: usize = 5;

type Check = (Spot, sealgate_inventory::Strength, u16);

struct Look<'w, 'a> {
    walker: Walker<'w, 'a>,
    /// Whether nothing that has an effect came before.
    first: bool,
    /// Whether another gate stands before it, so that what comes later does not matter.
    settled: bool,
    /// The first statement that changes something or tells somebody.
    acted: Option<Spot>,
    found: Option<Check>,
    later: Option<(Spot, Option<Rc<str>>)>,
}

impl<'a> Look<'_, 'a> {
    fn block(&mut self, body: &'a [Stmt]) {
        for statement in body {
            if self.found.is_some() || self.walker.done || self.settled && !self.first {
                return;
            }
            match statement {
                Stmt::FunctionDef(_)
                | Stmt::ClassDef(_)
                | Stmt::Import(_)
                | Stmt::ImportFrom(_) => continue,
                Stmt::With(with) if self.first => {
                    for item in &with.items {
                        self.walker.expression(&item.context_expr, false);
                    }
                    self.block(&with.body);
                    self.first = false;
                    continue;
                }
                Stmt::Try(attempt) if self.first => {
                    // What its handlers catch is seen by the walk over the whole of it.
                    let known = self.walker.out.unknown.is_some();
                    let check = self.check(statement);
                    if !known && let Some(why) = self.walker.out.unknown.clone() {
                        self.later
                            .get_or_insert((self.walker.spot(statement), Some(why)));
                    }
                    if check.is_some() && self.leads(&attempt.body) {
                        self.found = check;
                        return;
                    }
                    self.note_acts(&attempt.body, check.as_ref());
                    self.remember(check.as_ref());
                    self.first = false;
                    continue;
                }
                _ => {}
            }
            let unknown_before = self.walker.out.unknown.is_some();
            let check = self.check(statement);
            if check.is_some() && self.first {
                self.found = check;
                return;
            }
            self.remember(check.as_ref());
            if !unknown_before
                && self.first
                && let Some(why) = self.walker.out.unknown.clone()
                && self.later.is_none()
                && is_bare_call(statement)
            {
                self.later = Some((self.walker.spot(statement), Some(why)));
            }
            self.first &= Self::is_harmless(statement);
            self.note_acts(std::slice::from_ref(statement), None);
        }
    }

    /// Notes the first of some statements that acts, before a check that stands among them.
    fn note_acts(&mut self, body: &'a [Stmt], check: Option<&Check>) {
        for statement in body {
            let spot = self.walker.spot(statement);
            if self.acted.is_some() || check.is_some_and(|(check, ..)| check.range.0 < spot.range.1)
            {
                return;
            }
            if acts(statement) && !Self::is_harmless(statement) {
                self.acted = Some(spot);
            }
        }
    }

    fn remember(&mut self, check: Option<&Check>) {
        if let Some((spot, _, _)) = check
            && self.later.is_none()
        {
            self.later = Some((*spot, None));
            if let Some(acted) = self.acted {
                let text = self.walker.interpreter.source_of(*spot).into();
                self.walker.out.flaws.push(Flaw {
                    kind: FlawKind::EffectFirst,
                    spot: acted,
                    text,
                });
            }
        }
    }

    /// What a statement denies strangers, whatever else happens.
    fn check(&mut self, statement: &'a Stmt) -> Option<Check> {
        let known = self.walker.out.denials.len();
        let before = self.walker.conditions.len();
        let flow = self.walker.statement(statement);
        let _ = flow == Flow::Ends;
        let denials = self.walker.out.denials[known..].to_vec();
        // Conditions of `if ...: return` stay: they hold for what comes after.
        let _ = before;
        let credential = self.walker.out.credential;
        let sure = |denial: &&super::body::Denial<'a>| !denial.configured && !denial.shaped;
        if let Some(denial) = denials
            .iter()
            .find(|denial| denial.anonymous && credential && !sure(denial))
            && !denials
                .iter()
                .any(|denial| denial.anonymous && sure(&denial))
        {
            let why = "whether it denies depends on a setting, or on the path";
            self.later.get_or_insert((denial.spot, Some(why.into())));
        }
        let denial = denials
            .iter()
            .find(|denial| denial.anonymous && sure(denial) && credential)?;
        // A check that is written out has to look at what is brought, not only whether it is there.
        if let Stmt::If(branch) = statement
            && self.walker.out.through.is_empty()
            && (!self.walker.taint.touches(&branch.test)
                || self.walker.taint.bearing(&branch.test, true) == Bearing::Absent)
        {
            return None;
        }
        // `return await check(request)` raises; a refusal that is returned is the answer to everybody.
        let answers = matches!(statement, Stmt::Return(_))
            && (denial.thrown.is_none() || !is_bare_call(statement));
        if answers || matches!(statement, Stmt::For(_) | Stmt::While(_) | Stmt::Match(_)) {
            return None;
        }
        let strength = denials
            .iter()
            .filter(|denial| !denial.configured)
            .fold(sealgate_inventory::Strength::default(), |all, denial| {
                all.and(&denial.strength)
            });
        Some((denial.spot, strength, denial.status))
    }

    /// Whether the check in the body of a `try` is its first statement that does anything.
    fn leads(&self, body: &'a [Stmt]) -> bool {
        let Some(last) = self
            .walker
            .out
            .denials
            .iter()
            .find(|denial| denial.anonymous)
        else {
            return false;
        };
        for statement in body {
            let range = statement.range();
            let inside = range.start().to_u32() <= last.spot.range.0
                && last.spot.range.1 <= range.end().to_u32();
            if inside {
                return !matches!(statement, Stmt::For(_) | Stmt::While(_) | Stmt::Match(_));
            }
            if !Self::is_harmless(statement) {
                return false;
            }
        }
        false
    }

    /// Whether a statement surely changes nothing and tells nothing.
    fn is_harmless(statement: &Stmt) -> bool {
        match statement {
            Stmt::Pass(_) | Stmt::Global(_) | Stmt::Nonlocal(_) => true,
            Stmt::Expr(inner) => inner.value.is_literal_expr() || Self::is_logging(&inner.value),
            Stmt::Assign(assign) => {
                assign
                    .targets
                    .iter()
                    .all(|target| matches!(target, Expr::Name(_) | Expr::Tuple(_)))
                    && Self::reads_only(&assign.value)
            }
            Stmt::AnnAssign(assign) => assign.value.as_deref().is_none_or(Self::reads_only),
            Stmt::If(branch) => {
                Self::reads_only(&branch.test)
                    && branch
                        .body
                        .iter()
                        .all(|inner| matches!(inner, Stmt::Raise(_)) || Self::is_harmless(inner))
                    && branch.elif_else_clauses.iter().all(|clause| {
                        clause.test.as_ref().is_none_or(Self::reads_only)
                            && clause.body.iter().all(|inner| {
                                matches!(inner, Stmt::Raise(_)) || Self::is_harmless(inner)
                            })
                    })
            }
            _ => false,
        }
    }

    fn is_logging(expression: &Expr) -> bool {
        let Expr::Call(call) = expression else {
            return false;
        };
        match &*call.func {
            Expr::Attribute(method) => {
                matches!(
                    method.attr.as_str(),
                    "debug"
                        | "info"
                        | "warning"
                        | "error"
                        | "exception"
                        | "critical"
                        | "log"
                        | "bind"
                )
            }
            Expr::Name(name) => name.id == "print",
            _ => false,
        }
    }

    /// Whether an expression only reads what is at hand.
    fn reads_only(expression: &Expr) -> bool {
        match expression {
            Expr::Call(call) => {
                let pure = match &*call.func {
                    Expr::Attribute(method) => {
                        matches!(
                            method.attr.as_str(),
                            "get"
                                | "getlist"
                                | "lower"
                                | "upper"
                                | "strip"
                                | "split"
                                | "startswith"
                                | "endswith"
                                | "removeprefix"
                                | "partition"
                                | "replace"
                                | "encode"
                                | "decode"
                                | "compare_digest"
                                | "get_logger"
                                | "getLogger"
                        ) && Self::reads_only(&method.value)
                    }
                    Expr::Name(name) => {
                        matches!(
                            name.id.as_str(),
                            "str"
                                | "int"
                                | "bool"
                                | "len"
                                | "getattr"
                                | "isinstance"
                                | "dict"
                                | "list"
                                | "set"
                        )
                    }
                    _ => false,
                };
                let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
                pure && call
                    .arguments
                    .args
                    .iter()
                    .chain(keywords)
                    .all(Self::reads_only)
            }
            Expr::Attribute(attribute) => Self::reads_only(&attribute.value),
            Expr::Subscript(subscript) => {
                Self::reads_only(&subscript.value) && Self::reads_only(&subscript.slice)
            }
            Expr::BoolOp(several) => several.values.iter().all(Self::reads_only),
            Expr::UnaryOp(unary) => Self::reads_only(&unary.operand),
            Expr::Compare(compare) => {
                Self::reads_only(&compare.left) && compare.comparators.iter().all(Self::reads_only)
            }
            Expr::If(either) => {
                Self::reads_only(&either.test)
                    && Self::reads_only(&either.body)
                    && Self::reads_only(&either.orelse)
            }
            Expr::Tuple(tuple) => tuple.elts.iter().all(Self::reads_only),
            Expr::List(list) => list.elts.iter().all(Self::reads_only),
            Expr::Set(set) => set.elts.iter().all(Self::reads_only),
            Expr::Dict(dict) => dict.items.iter().all(|item| Self::reads_only(&item.value)),
            Expr::Name(_) | Expr::FString(_) | Expr::Slice(_) => true,
            other => other.is_literal_expr(),
        }
    }
}

/// Whether a statement looks as if it changed something: it calls something for no result, writes into
/// something, or removes. What only makes a name is taken for reading.
fn acts(statement: &Stmt) -> bool {
    let called = |value: &Expr| match value {
        Expr::Await(inner) => matches!(&*inner.value, Expr::Call(_)),
        other => matches!(other, Expr::Call(_)),
    };
    let removes = |value: &Expr| {
        let value = match value {
            Expr::Await(inner) => &*inner.value,
            other => other,
        };
        matches!(value, Expr::Call(call) if matches!(&*call.func, Expr::Attribute(method)
            if matches!(method.attr.as_str(), "pop" | "delete" | "remove" | "discard" | "unlink")))
    };
    let kept = |target: &Expr| match target {
        Expr::Subscript(_) => true,
        // What a request carries along is no effect.
        Expr::Attribute(target) => {
            !matches!(&*target.value, Expr::Attribute(holder) if holder.attr.as_str() == "state")
        }
        _ => false,
    };
    match statement {
        Stmt::Expr(inner) => called(&inner.value),
        Stmt::Delete(gone) => gone
            .targets
            .iter()
            .any(|target| !matches!(target, Expr::Name(_))),
        Stmt::Assign(assign) => assign.targets.iter().any(kept) || removes(&assign.value),
        Stmt::AugAssign(assign) => kept(&assign.target),
        Stmt::AnnAssign(assign) => assign.value.as_deref().is_some_and(removes),
        _ => false,
    }
}

/// `check(request)`, `user = await check(request)` or `return check(request)`.
fn is_bare_call(statement: &Stmt) -> bool {
    let value = match statement {
        Stmt::Expr(inner) => &*inner.value,
        Stmt::Assign(assign) => &*assign.value,
        Stmt::Return(returned) => match &returned.value {
            Some(value) => value,
            None => return false,
        },
        _ => return false,
    };
    match value {
        Expr::Await(inner) => matches!(&*inner.value, Expr::Call(_)),
        other => matches!(other, Expr::Call(_)),
    }
}
