//! Classes as endpoints, and classes whose methods are endpoints.

use std::rc::Rc;

use ruff_python_ast::Stmt;

use super::data::{Framework, items, object, push, why};
use super::known::VERBS;
use super::{Known, construct};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{
    Annotated, Arguments, Class, Depends, Function, Made, Method, Object, Spot, Value,
};

/// The methods that a route takes, and why they cannot be told.
///
/// FastAPI takes GET where none are named. Starlette takes GET and HEAD for functions, and leaves everything to
/// classes and applications.
pub(crate) fn methods<'a>(
    interpreter: &mut Interpreter<'a>,
    api: bool,
    given: Option<&Value<'a>>,
    open: Option<&Rc<str>>,
    endpoint: &Value<'a>,
) -> (Vec<Rc<str>>, Option<Rc<str>>) {
    let mut names: Vec<Rc<str>> = Vec::new();
    match (given, open) {
        (None, Some(reason)) if api => {
            return (
                names,
                Some(format!("its methods cannot be told: {reason}").into()),
            );
        }
        (None | Some(Value::None), _) if api => names.push("GET".into()),
        (None | Some(Value::None), _) if is_http_endpoint(interpreter, endpoint) => {
            for (name, _) in handlers(interpreter, endpoint) {
                names.push(name);
            }
        }
        (None | Some(Value::None), _) if !is_function(endpoint) => {}
        (None | Some(Value::None), _) => names.push("GET".into()),
        (Some(given), _) => {
            for item in items(Some(given), "its list of methods") {
                for item in item.alternatives() {
                    match item {
                        Value::Str(text) if !text.contains('<') => {
                            names.push(text.to_uppercase().into());
                        }
                        Value::None => {}
                        Value::External(path) if path.starts_with("http.HTTPMethod.") => {
                            names.push(path["http.HTTPMethod.".len()..].into());
                        }
                        other => return (Vec::new(), Some(why(other, "one of its methods"))),
                    }
                }
            }
        }
    }
    if !api && names.iter().any(|name| &**name == "GET") {
        names.push("HEAD".into());
    }
    names.sort();
    names.dedup();
    (names, None)
}

/// Whether Starlette takes an endpoint for a function of a request rather than for an application.
fn is_function(endpoint: &Value<'_>) -> bool {
    match endpoint {
        Value::Function(_) | Value::Method(_) => true,
        Value::Partial(partial) => is_function(&partial.callee),
        Value::Wrapped(wrapped) => is_function(&wrapped.inner),
        Value::External(path) => {
            let name = path.rsplit('.').next().unwrap_or_default();
            name.starts_with(|first: char| first.is_lowercase())
        }
        _ => false,
    }
}

/// Whether it is a class of Starlette's `HTTPEndpoint`.
pub(crate) fn is_http_endpoint<'a>(
    interpreter: &mut Interpreter<'a>,
    endpoint: &Value<'a>,
) -> bool {
    matches!(endpoint, Value::Class(_))
        && interpreter.known_base(endpoint) == Some(Known::HttpEndpoint)
}

/// The handlers of an `HTTPEndpoint`, by method.
pub(crate) fn handlers<'a>(
    interpreter: &mut Interpreter<'a>,
    endpoint: &Value<'a>,
) -> Vec<(Rc<str>, Value<'a>)> {
    let mut found: Vec<(Rc<str>, Value<'a>)> = Vec::new();
    if is_handler(&interpreter.attribute(endpoint, "dispatch")) {
        // It decides by itself what it hands a request to.
        return found;
    }
    for verb in ["get", "head", "post", "put", "patch", "delete", "options"] {
        let handler = interpreter.attribute(endpoint, verb);
        if is_handler(&handler) {
            found.push((verb.to_uppercase().into(), handler));
        }
    }
    found
}

fn is_handler(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::Function(_) | Value::Method(_) | Value::Wrapped(_) | Value::Partial(_)
    )
}

/// The dependencies that a class gives to all of its methods that are endpoints: those of its making, and its
/// annotated attributes, also of the classes that it inherits from.
///
/// A function in a class body can only be an endpoint when a decorator of the class sees to its `self`, as those
/// of class-based views do.
pub(crate) fn dependencies_of_view<'a>(
    interpreter: &mut Interpreter<'a>,
    endpoint: &Value<'a>,
    spot: Spot,
) -> Vec<Value<'a>> {
    let Value::Function(function) = endpoint else {
        return Vec::new();
    };
    let Some(class) = function.owner.borrow().clone() else {
        return Vec::new();
    };
    if class.definition.decorator_list.is_empty() || !takes_self(function) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let init = interpreter.attribute(&Value::Class(Rc::clone(&class)), "__init__");
    if matches!(init, Value::Function(_)) {
        found.push(Value::Depends(Rc::new(Depends {
            callee: Some(Value::Class(Rc::clone(&class))),
            security: false,
            scopes: None,
            spot,
        })));
    }
    let mut names: Vec<Rc<str>> = Vec::new();
    let mut seen: Vec<Rc<Class<'a>>> = Vec::new();
    attributes(interpreter, &class, &mut seen, &mut names, &mut found);
    found
}

fn takes_self(function: &Function<'_>) -> bool {
    let parameters = function.definition.parameters();
    let first = parameters.and_then(|parameters| parameters.iter_non_variadic_params().next());
    first.is_some_and(|first| first.parameter.name.as_str() == "self")
}

fn attributes<'a>(
    interpreter: &mut Interpreter<'a>,
    class: &Rc<Class<'a>>,
    seen: &mut Vec<Rc<Class<'a>>>,
    names: &mut Vec<Rc<str>>,
    found: &mut Vec<Value<'a>>,
) {
    if seen.iter().any(|known| Rc::ptr_eq(known, class)) {
        return;
    }
    seen.push(Rc::clone(class));
    for statement in &class.definition.body {
        let Stmt::AnnAssign(assignment) = statement else {
            continue;
        };
        let Some(name) = assignment.target.as_name_expr() else {
            continue;
        };
        let name: Rc<str> = name.id.as_str().into();
        if names.contains(&name) {
            continue;
        }
        names.push(Rc::clone(&name));
        let annotation = interpreter.evaluate(&assignment.annotation, &class.scope);
        let default = class.scope.names.borrow().get(&name).cloned();
        let default = default.filter(|_| assignment.value.is_some());
        found.extend(depends_of(&annotation, default.as_ref()));
    }
    for base in &class.bases {
        for base in base.alternatives() {
            if let Value::Class(base) = base {
                attributes(interpreter, base, seen, names, found);
            }
        }
    }
}

/// The dependency that an annotation and a default stand for.
fn depends_of<'a>(annotation: &Value<'a>, default: Option<&Value<'a>>) -> Option<Value<'a>> {
    let annotated: Option<&Annotated<'a>> = match annotation {
        Value::Annotated(annotated) => Some(annotated),
        _ => None,
    };
    let base = annotated.map_or(annotation, |annotated| &annotated.base);
    let metadata = annotated.map_or(&[][..], |annotated| &annotated.metadata);
    let depends =
        default
            .into_iter()
            .chain(metadata.iter().rev())
            .find_map(|value| match value {
                Value::Depends(depends) => Some(depends),
                _ => None,
            })?;
    if depends.callee.is_some() {
        return Some(Value::Depends(Rc::clone(depends)));
    }
    Some(Value::Depends(Rc::new(Depends {
        callee: Some(base.clone()),
        security: depends.security,
        scopes: depends.scopes.clone(),
        spot: depends.spot,
    })))
}

/// Adds the decorated methods of a `classy_fastapi.Routable` to its router.
pub(crate) fn routable<'a>(
    interpreter: &mut Interpreter<'a>,
    receiver: &Rc<Object<'a>>,
    spot: Spot,
) {
    let mut classes: Vec<Rc<Class<'a>>> = receiver.class.iter().cloned().collect();
    let mut at = 0;
    while let Some(class) = classes.get(at).cloned() {
        at += 1;
        for base in &class.bases {
            if let Value::Class(base) = base
                && !classes.iter().any(|known| Rc::ptr_eq(known, base))
            {
                classes.push(Rc::clone(base));
            }
        }
    }
    let mut found: Vec<(Spot, Rc<Made<'a>>, Value<'a>)> = Vec::new();
    for class in classes {
        for value in class.scope.names.borrow().values() {
            decorations(value, &mut found);
        }
    }
    found.sort_by_key(|(spot, _, _)| *spot);
    let Some(made) = construct::router_of(interpreter, receiver) else {
        return;
    };
    let Some(router) = made.router() else { return };
    for (at, decorator, function) in found {
        let verb = decorator.callee.rsplit('.').next().unwrap_or_default();
        let mut arguments: Arguments<'a> = decorator.arguments.clone();
        if VERBS.contains(&verb) {
            let verb = Value::list(vec![Value::text(&verb.to_uppercase())]);
            arguments.keywords.push(("methods".into(), verb));
        }
        let endpoint = match &function {
            Value::Function(function) => Value::Method(Rc::new(Method {
                receiver: Value::Object(Rc::clone(receiver)),
                function: Rc::clone(function),
            })),
            other => other.clone(),
        };
        arguments
            .positional
            .insert(1.min(arguments.positional.len()), endpoint);
        let mut route = construct::http_route(interpreter, Known::ApiRoute, &arguments, at);
        route.inherited = router.inherited(receiver.known);
        let route = object(Known::ApiRoute, Framework::Route(route), spot);
        push(&router.routes, Value::Object(route), false);
    }
}

fn decorations<'a>(value: &Value<'a>, found: &mut Vec<(Spot, Rc<Made<'a>>, Value<'a>)>) {
    let ours = |by: &Value<'a>| match by {
        Value::Made(made) if made.callee.starts_with("classy_fastapi.") => Some(Rc::clone(made)),
        _ => None,
    };
    match value {
        Value::Wrapped(wrapped) => {
            if let Some(made) = ours(&wrapped.by) {
                let mut inner = wrapped.inner.clone();
                while let Value::Wrapped(wrapped) = &inner {
                    inner = wrapped.inner.clone();
                }
                found.push((made.spot, made, inner));
            }
            decorations(&wrapped.inner, found);
        }
        Value::Function(function) => {
            for by in function.decorators.borrow().iter() {
                if let Some(made) = ours(by) {
                    found.push((made.spot, made, value.clone()));
                }
            }
        }
        _ => {}
    }
}
