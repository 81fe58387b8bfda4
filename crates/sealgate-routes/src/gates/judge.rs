//! Whether a callable is a gate.

use std::rc::Rc;

use sealgate_inventory::{Level, Strength};

use super::body::{Body, Mode};
use super::judgement::{Flaw, FlawKind, Judgement, Verdict};
use super::tree::{Takes, taken};
use super::{Gates, forward, libraries, own, trial};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Definition, Function, Names, Spot, Value};

/// Whether `callable` is a gate, how strong it is, and what is wrong with it.
pub(crate) fn judge<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    callable: &Value<'a>,
) -> Rc<Judgement> {
    let key = identity(callable);
    if let Some(key) = key {
        match gates.judged.get(&key) {
            Some((_, Some(judged))) => return judged.clone(),
            Some((_, None)) => {
                let name = interpreter.name_of(callable);
                return Rc::new(Judgement::not_gate(name, "it leads back to itself"));
            }
            None => {
                gates.judged.insert(key, (callable.clone(), None));
            }
        }
    }
    let quiet = std::mem::replace(&mut interpreter.quiet, true);
    let judged = Rc::new(judged(interpreter, gates, callable));
    interpreter.quiet = quiet;
    if let Some(key) = key {
        gates
            .judged
            .insert(key, (callable.clone(), Some(judged.clone())));
    }
    judged
}

/// What makes two callables the same one.
fn identity(callable: &Value<'_>) -> Option<(usize, usize)> {
    match callable {
        Value::Function(function) => Some((Rc::as_ptr(function).addr(), 0)),
        Value::Object(object) => Some((Rc::as_ptr(object).addr(), 1)),
        Value::Class(class) => Some((Rc::as_ptr(class).addr(), 2)),
        Value::Method(method) => {
            let receiver = match &method.receiver {
                Value::Object(object) => Rc::as_ptr(object).addr(),
                Value::Class(class) => Rc::as_ptr(class).addr(),
                _ => return None,
            };
            Some((Rc::as_ptr(&method.function).addr(), receiver))
        }
        Value::Made(made) => Some((Rc::as_ptr(made).addr(), 3)),
        _ => None,
    }
}

fn judged<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    callable: &Value<'a>,
) -> Judgement {
    let name = interpreter.name_of(callable);
    if gates.config.is_not_gate(&name) {
        return Judgement::not_gate(name, "the configuration says that it is no gate");
    }
    let mut found = by_kind(interpreter, gates, callable, &name);
    if let Some(gate) = named(gates, &name) {
        found.verdict = Verdict::Gate;
        found.strength = match gate.0 {
            Some(strength) => strength,
            None => at_least_user(found.strength),
        };
        found.statuses.insert(401);
    }
    found
}

/// What was said of the strength of a gate that was named, if anything was.
struct Named(Option<Strength>);

/// What the configuration says about a callable of this name, or about the factory that made it.
fn named(gates: &Gates<'_>, name: &str) -> Option<Named> {
    let mut name = name;
    loop {
        if let Some(gate) = gates.config.named_gate(name) {
            return Some(Named(gate.strength.clone()));
        }
        name = match name.rfind(".<locals>") {
            Some(at) => &name[..at],
            None => name.strip_suffix(".__call__")?,
        };
    }
}

pub(super) fn at_least_user(mut strength: Strength) -> Strength {
    strength.level = strength.level.max(Level::User);
    strength
}

fn by_kind<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    callable: &Value<'a>,
    name: &str,
) -> Judgement {
    if let Some(found) = own::judge(callable) {
        return found;
    }
    match callable {
        Value::Unknown(why) => Judgement::unknown(name, why.clone()),
        Value::None => Judgement::not_gate(name, "there is nothing"),
        Value::Either(several) => either(interpreter, gates, &several.clone(), name),
        Value::Function(function) => {
            of_function(interpreter, gates, callable, &function.clone(), None, name)
        }
        Value::Method(method) => {
            let receiver = method.receiver.clone();
            of_function(
                interpreter,
                gates,
                callable,
                &method.function.clone(),
                Some(&receiver),
                name,
            )
        }
        Value::Object(object) => {
            let method = interpreter.attribute(callable, "__call__");
            if let Value::Method(bound) = &method {
                let function = bound.function.clone();
                return of_function(
                    interpreter,
                    gates,
                    callable,
                    &function,
                    Some(callable),
                    name,
                );
            }
            match &object.class {
                Some(class)
                    if libraries::is_scheme_class(interpreter, &Value::Class(class.clone())) =>
                {
                    let silent = matches!(
                        object.fields.borrow().get("auto_error"),
                        Some(Value::Bool(false))
                    );
                    scheme(name, object.spot, silent)
                }
                Some(_) => {
                    Judgement::unknown(name, "what it does when it is called is not in the source")
                }
                None => Judgement::not_gate(name, "it belongs to the framework"),
            }
        }
        Value::Class(class) => {
            let initializer = interpreter.attribute(callable, "__init__");
            if let Value::Function(function) = &initializer {
                let function = function.clone();
                return of_function(interpreter, gates, callable, &function, None, name);
            }
            let spot = Spot::new(class.module, class.definition.range);
            let mut found = with_nested(interpreter, gates, callable, name);
            found.spot = Some(spot);
            found
        }
        Value::Partial(partial) => (*judge(interpreter, gates, &partial.callee.clone())).clone(),
        Value::Wrapped(wrapped) => (*judge(interpreter, gates, &wrapped.inner.clone())).clone(),
        Value::Annotated(annotated) => {
            (*judge(interpreter, gates, &annotated.base.clone())).clone()
        }
        Value::Depends(depends) => match &depends.callee {
            Some(callee) => (*judge(interpreter, gates, &callee.clone())).clone(),
            None => Judgement::unknown(name, "it is not known what is depended on"),
        },
        Value::Made(made) => Gates::library(callable).unwrap_or_else(|| {
            let why = format!("what `{}` makes is not in the source", made.callee);
            Judgement::unknown(name, why)
        }),
        Value::External(path) => Gates::library(callable)
            .unwrap_or_else(|| Judgement::unknown(name, format!("`{path}` is not in the source"))),
        Value::Parameter(parameter) => {
            let why = format!(
                "`{}` is handed in by a caller that is not known",
                parameter.name
            );
            Judgement::unknown(name, why)
        }
        Value::Known(_) | Value::KnownMethod(_) => {
            Judgement::not_gate(name, "it belongs to the framework")
        }
        _ => Judgement::unknown(name, "it is not known what it is"),
    }
}

/// A security scheme by itself: it denies who brings nothing, and takes whatever is brought.
pub(super) fn scheme(name: &str, spot: Spot, silent: bool) -> Judgement {
    let (kind, why) = if silent {
        (
            FlawKind::AutoErrorFalse,
            "with `auto_error=False` it denies nobody",
        )
    } else {
        (
            FlawKind::SchemeOnly,
            "it checks that a credential is there, not what it is",
        )
    };
    let mut found = Judgement::not_gate(name, why);
    found.credential = true;
    if !silent {
        found.statuses.insert(401);
    }
    found.flaws.push(Flaw {
        kind,
        spot,
        text: name.into(),
    });
    found
}

/// One of several, depending on what cannot be told: the weakest of them counts.
fn either<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    several: &Rc<[Value<'a>]>,
    name: &str,
) -> Judgement {
    let judged: Vec<Rc<Judgement>> = several
        .iter()
        .map(|one| judge(interpreter, gates, one))
        .collect();
    let mut found = Judgement::unknown(
        name,
        "it may be one of several, and not all of them are gates",
    );
    let mut strength: Option<Strength> = None;
    for (one, value) in judged.iter().zip(several.iter()) {
        found.credential |= one.credential;
        found.statuses.extend(&one.statuses);
        found.spot = found.spot.or(one.spot);
        for flaw in &one.flaws {
            if !found.flaws.contains(flaw) {
                found.flaws.push(flaw.clone());
            }
        }
        strength = Some(match strength {
            None => one.strength.clone(),
            Some(known) => weaker(&known, &one.strength),
        });
        if let Some((spot, text)) = no_op(interpreter, value) {
            found.flaws.push(Flaw {
                kind: FlawKind::NoOpBranch,
                spot,
                text,
            });
        }
    }
    let gate = |one: &Rc<Judgement>| one.is_gate();
    if judged.iter().all(gate) {
        found.verdict = Verdict::Gate;
        found.strength = strength.unwrap_or_default();
        found.through = judged;
        found.flaws.retain(|flaw| flaw.kind != FlawKind::NoOpBranch);
    } else if judged.iter().any(gate) {
        found.through = judged.into_iter().filter(gate).collect();
    } else {
        found.flaws.retain(|flaw| flaw.kind != FlawKind::NoOpBranch);
        let mut unknown = judged
            .iter()
            .filter(|one| matches!(one.verdict, Verdict::Unknown(_)));
        if let Some(one) = unknown.next().or(judged.first()) {
            found.verdict = one.verdict.clone();
        }
    }
    found
}

/// What both of two strengths ask for.
pub(super) fn weaker(one: &Strength, other: &Strength) -> Strength {
    let both = |a: &std::collections::BTreeSet<String>, b| a.intersection(b).cloned().collect();
    Strength {
        level: one.level.min(other.level),
        actors: one.actors.union(&other.actors).copied().collect(),
        scopes: both(&one.scopes, &other.scopes),
        roles: both(&one.roles, &other.roles),
        any_of: both(&one.any_of, &other.any_of),
        more: both(&one.more, &other.more),
    }
}

/// A function or lambda that does nothing at all.
fn no_op<'a>(interpreter: &Interpreter<'a>, value: &Value<'a>) -> Option<(Spot, Rc<str>)> {
    use ruff_python_ast::{Expr, Stmt};
    use ruff_text_size::Ranged;
    let function = match value {
        Value::Function(function) => function,
        Value::Method(method) => &method.function,
        _ => return None,
    };
    let idle = match function.definition {
        Definition::Lambda(lambda) => {
            lambda.body.is_literal_expr() || matches!(&*lambda.body, Expr::Name(_))
        }
        Definition::Function(definition) => {
            definition.body.iter().all(|statement| match statement {
                Stmt::Pass(_) => true,
                Stmt::Expr(inner) => inner.value.is_literal_expr(),
                Stmt::Return(returned) => returned.value.as_deref().is_none_or(|value| {
                    value.is_literal_expr() || matches!(value, Expr::Name(_) | Expr::Dict(_))
                }),
                _ => false,
            })
        }
    };
    let spot = Spot::new(function.module, function.definition.range());
    idle.then(|| (spot, interpreter.source_of(spot).into()))
}

fn of_function<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    callable: &Value<'a>,
    function: &Rc<Function<'a>>,
    receiver: Option<&Value<'a>>,
    name: &str,
) -> Judgement {
    use ruff_text_size::Ranged;
    let spot = Spot::new(function.module, function.definition.range());
    let takes = taken(interpreter, gates, callable);
    let body = gates.body(
        interpreter,
        function,
        receiver,
        takes.taint.clone(),
        Names::default(),
        Mode::Dependency,
        0,
    );
    let mut found = combine(gates, name, &takes, &body);
    found.spot = Some(spot);
    if !found.is_gate()
        && let Some(wrapped) = forward::around(interpreter, gates, function, receiver)
    {
        return wrapped;
    }
    let shaped = matches!(&found.verdict, Verdict::Unknown(why) if &**why == SHAPED);
    let alone = !takes.nested.iter().any(|nested| nested.is_gate());
    if (found.is_gate() || shaped) && alone {
        let was = found.is_gate();
        let known = found.flaws.len();
        try_out(interpreter, gates, function, receiver, &takes, &mut found);
        let setting = setting_of(&body).filter(|_| was);
        if let (Some(setting), Verdict::NotGate(_)) = (&setting, &found.verdict) {
            found.flaws.truncate(known);
            let why = format!("it denies only when `{}` is set", setting.text);
            found.verdict = Verdict::Unknown(why.into());
        }
        found.flaws.extend(setting);
        if let Some(early) = early_of(&body).filter(|_| was)
            && matches!(found.verdict, Verdict::NotGate(_))
        {
            let why = format!("it lets everybody pass when `{}`", early.text);
            found.verdict = Verdict::Unknown(why.into());
        }
    }
    let always = body
        .flaws
        .iter()
        .find(|flaw| flaw.kind == FlawKind::ReturnsTruthyObject);
    if let Some(always) =
        always.filter(|_| found.is_gate() && !takes.nested.iter().any(|nested| nested.is_gate()))
    {
        // It may deny by something else; that is for somebody to see.
        found.verdict =
            Verdict::Unknown(format!("it asks `{}`, which is always true", always.text).into());
        found.strength = Strength::default();
    }
    // It is what it depends on that decides, and that has denied by then.
    let leans = found.is_gate() && body.denials.is_empty();
    for flaw in &body.flaws {
        let opens = matches!(
            flaw.kind,
            FlawKind::EarlyReturn | FlawKind::MockUser | FlawKind::NotConfigured
        );
        if (!leans || !opens) && !found.flaws.contains(flaw) {
            found.flaws.push(flaw.clone());
        }
    }
    for (request, text) in &takes.requests {
        found.flaws.push(Flaw {
            kind: FlawKind::RequestTyped,
            spot: *request,
            text: text.clone(),
        });
    }
    let looks_like_one = takes.credential && (!takes.schemes.is_empty() || takes.named_credential);
    if !found.is_gate() && looks_like_one && body.denials.is_empty() && !body.optional {
        found.flaws.push(Flaw {
            kind: FlawKind::NeverDenies,
            spot,
            text: name.into(),
        });
    }
    if !found.is_gate() {
        for scheme in &takes.schemes {
            for flaw in &scheme.flaws {
                found.flaws.push(flaw.clone());
            }
        }
    }
    found
}

/// The setting without which a body denies nobody, where all that it denies hangs on one.
fn setting_of(body: &Body<'_>) -> Option<Flaw> {
    let mut met = body.denials.iter().filter(|denial| denial.anonymous);
    let first = met.next()?.only_if.clone()?;
    met.all(|denial| denial.only_if.is_some()).then_some(first)
}

/// Where a body returns under a condition on the configuration, before it denies.
fn early_of<'b>(body: &'b Body<'_>) -> Option<&'b Flaw> {
    let mut flaws = body.flaws.iter();
    flaws.find(|flaw| flaw.kind == FlawKind::EarlyReturn)
}

/// Sends strangers through what was taken for a gate, and takes back what was said where one comes through.
fn try_out<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    function: &Rc<Function<'a>>,
    receiver: Option<&Value<'a>>,
    takes: &Takes<'a>,
    found: &mut Judgement,
) {
    use ruff_text_size::Ranged;
    let denied_before = takes
        .schemes
        .iter()
        .any(|scheme| !scheme.statuses.is_empty())
        || takes.required;
    let why: Rc<str> =
        match trial::dependency(interpreter, gates, function, receiver, takes, denied_before) {
            trial::Found::Denies => {
                if !found.is_gate() {
                    found.verdict = Verdict::Gate;
                    found.strength = at_least_user(found.strength.clone());
                }
                return;
            }
            _ if !found.is_gate() => return,
            trial::Found::Perhaps(why) => {
                found.verdict = Verdict::Unknown(why);
                found.strength = Strength::default();
                return;
            }
            trial::Found::Open => "it lets in whoever brings nothing".into(),
            trial::Found::PresenceOnly => {
                let spot = Spot::new(function.module, function.definition.range());
                let text = found.name.clone();
                found.flaws.push(Flaw {
                    kind: FlawKind::PresenceOnly,
                    spot,
                    text,
                });
                "it checks that a credential is there, not what it is".into()
            }
        };
    found.verdict = Verdict::NotGate(why);
    found.strength = Strength::default();
}

/// What has no body of its own: only its dependencies count.
fn with_nested<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    callable: &Value<'a>,
    name: &str,
) -> Judgement {
    let takes = taken(interpreter, gates, callable);
    combine(gates, name, &takes, &Body::default())
}

/// Why it is not known whether something is a gate that denies by more than the credential.
const SHAPED: &str = "it denies on some paths or methods only";

/// Puts together what a callable takes and what its body does.
fn combine(gates: &Gates<'_>, name: &str, takes: &Takes<'_>, body: &Body<'_>) -> Judgement {
    let mut found = Judgement::not_gate(name, "it turns nobody away");
    found.takes_scopes = takes.scoped;
    found.credential = takes.credential || body.credential;
    let nested: Vec<&Rc<Judgement>> = takes
        .nested
        .iter()
        .filter(|nested| nested.is_gate())
        .collect();
    let denies_strangers = takes
        .schemes
        .iter()
        .any(|scheme| !scheme.statuses.is_empty())
        || takes.required;
    let met: Vec<_> = body
        .denials
        .iter()
        .filter(|denial| denial.anonymous || denies_strangers)
        .filter(|denial| !(denial.configured && body.optional))
        .collect();
    let by_credential = |status: u16| match status {
        401 => !takes.body_only || found.credential,
        _ => found.credential,
    };
    let own = gates.config.infer && met.iter().any(|denial| by_credential(denial.status));
    let shaped = met.iter().all(|denial| denial.shaped);
    for denial in &met {
        found.statuses.insert(denial.status);
    }
    for nested in &nested {
        found.statuses.extend(&nested.statuses);
        found.strength = found.strength.clone().and(&nested.strength);
    }
    if own && shaped && nested.is_empty() {
        found.verdict = Verdict::Unknown(SHAPED.into());
    } else if own || !nested.is_empty() {
        found.verdict = Verdict::Gate;
        for denial in body.denials.iter().filter(|denial| !denial.configured) {
            found.strength = found.strength.clone().and(&denial.strength);
        }
        found.strength = at_least_user(found.strength);
        found.through.extend(nested.into_iter().cloned());
        found.through.extend(body.through.iter().cloned());
    } else if let Some(unknown) = takes
        .nested
        .iter()
        .find(|one| matches!(one.verdict, Verdict::Unknown(_)))
    {
        found.verdict = unknown.verdict.clone();
    } else if let Some(why) = &takes.unknown {
        found.verdict = Verdict::Unknown(why.clone());
    } else if let Some(why) = &body.unknown {
        found.verdict = Verdict::Unknown(why.clone());
    } else if !body.denials.is_empty() && met.is_empty() {
        found.verdict = Verdict::NotGate("it lets in whoever brings nothing".into());
    } else if !met.is_empty() && takes.body_only {
        found.verdict = Verdict::NotGate(
            "it checks what is sent in the body, as a form to sign in does".into(),
        );
    } else if !met.is_empty() {
        found.verdict = Verdict::NotGate("what it denies has nothing to do with who calls".into());
    } else if !takes.schemes.is_empty() {
        found.verdict = Verdict::NotGate("it takes a credential and turns nobody away".into());
    }
    found.public = takes.nested.iter().find_map(|nested| nested.public.clone());
    found
}
