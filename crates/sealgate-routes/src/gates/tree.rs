//! What a callable depends on, as FastAPI resolves it.

use std::rc::Rc;

use ruff_text_size::Ranged;
use sealgate_inventory::Placement;

use super::bearing::{Taint, identifies};
use super::body::is_carrier_class;
use super::judge::judge;
use super::judgement::Judgement;
use super::{Gates, libraries};
use crate::evaluate::value::{Depends, Spot, Value};
use crate::evaluate::{Interpreter, ParameterOf};

/// A callable in the tree of dependencies of a route.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) judged: Rc<Judgement>,
    /// The scopes that `Security(...)` asks of it here, those from further out first.
    pub(crate) scopes: Vec<String>,
    pub(crate) placement: Placement,
}

/// What a callable takes.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Takes<'a> {
    pub(super) taint: Taint,
    /// What it depends on, in order.
    pub(super) depends: Vec<(Rc<str>, Rc<Depends<'a>>, Value<'a>)>,
    pub(super) nested: Vec<Rc<Judgement>>,
    /// The security schemes among them.
    pub(super) schemes: Vec<Rc<Judgement>>,
    /// Whether it takes something that a caller identifies itself by.
    pub(super) credential: bool,
    /// Whether it takes `Header()` or `Cookie()` parameters that identify.
    pub(super) named_credential: bool,
    /// Whether one of them has to be there: FastAPI denies who does not bring it.
    pub(super) required: bool,
    /// Whether it takes something of the body, and nothing else that identifies.
    pub(super) body_only: bool,
    /// Those that have to be there.
    pub(super) must: Vec<Rc<str>>,
    /// Those for which something of the program's stands in where the caller leaves them out.
    pub(super) stands_in: Vec<Rc<str>>,
    pub(super) scoped: bool,
    /// Parameters that are a `Request`.
    pub(super) requests: Vec<(Spot, Rc<str>)>,
    /// Why it cannot be told what it takes.
    pub(super) unknown: Option<Rc<str>>,
}

/// The `Depends(...)` that a parameter has, and what is depended on.
pub(super) fn depends_of<'a>(parameter: &ParameterOf<'a>) -> Option<(Rc<Depends<'a>>, Value<'a>)> {
    let base = parameter.annotation.as_ref().map(base_of);
    let mut candidates: Vec<Value<'a>> = Vec::new();
    candidates.extend(parameter.default.clone());
    if let Some(annotation) = &parameter.annotation {
        metadata(annotation, &mut candidates);
    }
    candidates.iter().find_map(|candidate| {
        candidate.alternatives().iter().find_map(|one| match one {
            Value::Depends(depends) => {
                let callee = depends.callee.clone().or_else(|| base.clone());
                let callee =
                    callee.unwrap_or_else(|| Value::unknown("`Depends()` has no annotation"));
                Some((depends.clone(), callee))
            }
            _ => None,
        })
    })
}

/// What is annotated, without `Annotated`.
fn base_of<'a>(annotation: &Value<'a>) -> Value<'a> {
    match annotation {
        Value::Annotated(annotated) => base_of(&annotated.base),
        other => other.clone(),
    }
}

/// The metadata of an annotation, the outermost last: it counts first.
fn metadata<'a>(annotation: &Value<'a>, found: &mut Vec<Value<'a>>) {
    if let Value::Annotated(annotated) = annotation {
        found.extend(annotated.metadata.iter().rev().cloned());
        metadata(&annotated.base, found);
    }
}

/// What a callable takes, and what that says about its callers.
pub(super) fn taken<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    callable: &Value<'a>,
) -> Takes<'a> {
    let mut takes = Takes::default();
    let parameters = match interpreter.parameters(callable) {
        Ok(parameters) => parameters,
        Err(why) => {
            takes.unknown = Some(why);
            return takes;
        }
    };
    let mut body = false;
    for parameter in &parameters {
        if let Some((depends, callee)) = depends_of(parameter) {
            let judged = judge(interpreter, gates, &callee);
            if libraries::is_body_form(&callee) {
                body = true;
            }
            if judged.credential || judged.is_gate() {
                takes.taint.credentials.insert(parameter.name.clone());
                takes.credential = true;
            }
            if is_scheme(&judged) {
                takes.schemes.push(judged.clone());
            }
            takes.nested.push(judged);
            takes
                .depends
                .push((parameter.name.clone(), depends, callee));
            continue;
        }
        let mut marks: Vec<Value<'a>> = Vec::new();
        marks.extend(parameter.default.clone());
        if let Some(annotation) = &parameter.annotation {
            metadata(annotation, &mut marks);
        }
        for mark in &marks {
            let Value::Made(made) = mark else { continue };
            if made.callee.split('.').next() != Some("fastapi") {
                continue;
            }
            match made.callee.rsplit('.').next().unwrap_or_default() {
                "Header" | "Cookie" => {
                    let alias = made.arguments.keyword("alias").and_then(Value::as_str);
                    let wire =
                        alias.map_or_else(|| parameter.name.replace('_', "-"), str::to_owned);
                    if identifies(&wire) {
                        takes.taint.credentials.insert(parameter.name.clone());
                        takes.credential = true;
                        takes.named_credential = true;
                        if stands_in(&made.arguments) {
                            takes.stands_in.push(parameter.name.clone());
                        }
                        if is_required(parameter, &made.arguments) {
                            takes.required = true;
                            takes.must.push(parameter.name.clone());
                        }
                    }
                }
                "Query" => {
                    takes.taint.credentials.insert(parameter.name.clone());
                    takes.credential = true;
                    if is_required(parameter, &made.arguments) {
                        takes.required = true;
                        takes.must.push(parameter.name.clone());
                    }
                }
                "Body" | "Form" | "File" => body = true,
                _ => {}
            }
        }
        let Some(annotation) = &parameter.annotation else {
            continue;
        };
        for one in base_of(annotation).alternatives() {
            let path = match one {
                Value::External(path) => path.clone(),
                Value::Class(_) if interpreter.inherits(one, "pydantic.BaseModel") => {
                    body = true;
                    continue;
                }
                Value::Class(_) if interpreter.inherits(one, "starlette.requests.Request") => {
                    takes.taint.carriers.insert(parameter.name.clone());
                    continue;
                }
                _ => continue,
            };
            if is_carrier_class(&path) {
                takes.taint.carriers.insert(parameter.name.clone());
                if path.ends_with(".Request")
                    && let Some(function) = interpreter.function_of(callable)
                {
                    let spot = spot_of_parameter(&function, &parameter.name);
                    takes.requests.push((spot, parameter.name.clone()));
                }
            } else if path.ends_with("SecurityScopes") {
                takes.scoped = true;
            }
        }
    }
    takes.body_only = body && !takes.credential;
    takes
}

fn spot_of_parameter(function: &crate::evaluate::value::Function<'_>, name: &str) -> Spot {
    let parameters = function.definition.parameters();
    let found = parameters
        .into_iter()
        .flat_map(ruff_python_ast::Parameters::iter_non_variadic_params)
        .find(|parameter| parameter.parameter.name.as_str() == name);
    let range = found.map_or_else(
        || function.definition.range(),
        |parameter| parameter.parameter.range,
    );
    Spot::new(function.module, range)
}

/// `Header(...)`: it has to be there.
fn is_ellipsis(value: &Value<'_>) -> bool {
    matches!(value, Value::External(path) if &**path == "builtins.Ellipsis")
}

/// Whether a default that is not nothing is given: `Header(KEY)`.
fn stands_in(arguments: &crate::evaluate::value::Arguments<'_>) -> bool {
    let default = arguments
        .get(0, "default")
        .filter(|value| !is_ellipsis(value));
    matches!(default, Some(Value::External(_) | Value::Made(_)))
        || matches!(arguments.get(0, "default"), Some(Value::Str(text)) if !text.is_empty())
}

/// Whether FastAPI answers 422 to who does not send it.
fn is_required(
    parameter: &ParameterOf<'_>,
    arguments: &crate::evaluate::value::Arguments<'_>,
) -> bool {
    let given = arguments
        .get(0, "default")
        .is_some_and(|value| !is_ellipsis(value))
        || arguments.keyword("default_factory").is_some();
    match &parameter.default {
        Some(Value::Made(_)) => !given,
        Some(_) => false,
        None => true,
    }
}

pub(super) fn is_scheme(judged: &Judgement) -> bool {
    judged.flaws.iter().any(|flaw| {
        matches!(
            flaw.kind,
            super::judgement::FlawKind::SchemeOnly | super::judgement::FlawKind::AutoErrorFalse
        ) && *flaw.text == *judged.name
    })
}

/// Everything that a callable depends on, in the order in which FastAPI resolves it, the callable last.
pub(crate) fn dependencies<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    callable: &Value<'a>,
    placement: Placement,
) -> Vec<Found> {
    let mut walk = Tree {
        interpreter,
        gates,
        placement,
        found: Vec::new(),
        path: Vec::new(),
    };
    let quiet = std::mem::replace(&mut walk.interpreter.quiet, true);
    walk.below(callable, &[], 0);
    walk.interpreter.quiet = quiet;
    walk.found
}

/// One `Depends(...)` with everything below it.
pub(super) fn dependency<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    value: &Value<'a>,
    placement: Placement,
) -> Vec<Found> {
    let mut walk = Tree {
        interpreter,
        gates,
        placement,
        found: Vec::new(),
        path: Vec::new(),
    };
    walk.one(value, &[], 0);
    walk.found
}

struct Tree<'t, 'a> {
    interpreter: &'t mut Interpreter<'a>,
    gates: &'t mut Gates<'a>,
    placement: Placement,
    found: Vec<Found>,
    path: Vec<Value<'a>>,
}

/// Dependencies of dependencies are not followed further down than this.
const DEEPEST: usize = 24;

impl<'a> Tree<'_, 'a> {
    fn below(&mut self, callable: &Value<'a>, scopes: &[String], depth: usize) {
        if depth > DEEPEST || self.path.iter().any(|known| known.same(callable)) {
            return;
        }
        self.path.push(callable.clone());
        if let Ok(parameters) = self.interpreter.parameters(callable) {
            for parameter in &parameters {
                if let Some((depends, callee)) = depends_of(parameter) {
                    self.depends(&depends, &callee, scopes, depth);
                }
            }
        }
        self.path.pop();
    }

    fn depends(
        &mut self,
        depends: &Rc<Depends<'a>>,
        callee: &Value<'a>,
        scopes: &[String],
        depth: usize,
    ) {
        let mut scopes = scopes.to_vec();
        if let Some(more) = &depends.scopes {
            for scope in texts(more) {
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        self.one(callee, &scopes, depth);
    }

    fn one(&mut self, callee: &Value<'a>, scopes: &[String], depth: usize) {
        match callee {
            Value::Depends(depends) => {
                let inner = depends.callee.clone();
                let inner =
                    inner.unwrap_or_else(|| Value::unknown("`Depends()` says nothing here"));
                let depends = depends.clone();
                self.depends(&depends, &inner, scopes, depth);
                return;
            }
            Value::Annotated(annotated) => {
                let mut marks = Vec::new();
                metadata(callee, &mut marks);
                if let Some(mark) = marks.iter().find(|mark| matches!(mark, Value::Depends(_))) {
                    self.one(&mark.clone(), scopes, depth);
                    return;
                }
                self.one(&annotated.base.clone(), scopes, depth);
                return;
            }
            Value::Either(several)
                if several.iter().any(|one| matches!(one, Value::Depends(_))) =>
            {
                // It may be missing, or be another one.
                let inner: Vec<Value<'a>> = several
                    .iter()
                    .map(|one| match one {
                        Value::Depends(depends) => depends.callee.clone().unwrap_or(Value::None),
                        other => other.clone(),
                    })
                    .collect();
                self.one(&Value::either(inner), scopes, depth);
                return;
            }
            Value::Either(_) => {}
            _ => self.below(callee, scopes, depth + 1),
        }
        let judged = judge(self.interpreter, self.gates, callee);
        self.found.push(Found {
            judged,
            scopes: scopes.to_vec(),
            placement: self.placement,
        });
    }
}

/// The texts in a list, or the text itself.
pub(super) fn texts(value: &Value<'_>) -> Vec<String> {
    match value {
        Value::Str(text) => vec![text.to_string()],
        Value::Sequence(sequence) => sequence.items.borrow().iter().flat_map(texts).collect(),
        Value::External(path) => path
            .rsplit('.')
            .next()
            .map(str::to_lowercase)
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}
