//! What stands around applications: middleware, and applications inside of others.

use std::rc::Rc;

use super::Known;
use super::data::{Added, Framework, Middleware, Router, framework, items};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Object, Value};

/// The application inside of what is put around it, and what that is: `AuthMiddleware(app)`.
pub(crate) fn unwrap<'a>(
    app: &Value<'a>,
    added: &Added,
    around: &mut Vec<Rc<Middleware<'a>>>,
    depth: usize,
) -> Value<'a> {
    if depth > 8 {
        return app.clone();
    }
    let candidates: Vec<Value<'a>> = match app {
        Value::Object(object)
            if object
                .known
                .is_none_or(|known| known == Known::BaseHttpMiddleware) =>
        {
            object.fields.borrow().values().cloned().collect()
        }
        Value::Made(made) if made.called => {
            let keywords = made.arguments.keywords.iter().map(|(_, value)| value);
            made.arguments
                .positional
                .iter()
                .chain(keywords)
                .cloned()
                .collect()
        }
        _ => return app.clone(),
    };
    for candidate in candidates {
        for candidate in candidate.alternatives() {
            let mut inner_around = vec![Rc::new(Middleware {
                callee: app.clone(),
                arguments: Arguments::default(),
                dispatch: false,
                added: added.clone(),
            })];
            let inner = unwrap(candidate, added, &mut inner_around, depth + 1);
            if matches!(&inner, Value::Object(object) if object.known.is_some_and(Known::is_router))
            {
                around.extend(inner_around);
                return inner;
            }
        }
    }
    app.clone()
}

/// An application that the source puts something around: `asgi = Guard(app)`, `return Guard(app)`.
pub(crate) struct Wrapped<'a> {
    pub(crate) inner: Rc<Object<'a>>,
    /// From the outermost to the innermost.
    pub(crate) around: Vec<Rc<Middleware<'a>>>,
    /// `module:name`, where it is bound to one.
    pub(crate) name: Option<String>,
}

/// Applications that ASGI classes of the tree are put around.
pub(crate) fn wrapped<'a>(interpreter: &mut Interpreter<'a>) -> Vec<Wrapped<'a>> {
    let mut found = Vec::new();
    for (name, all) in interpreter.outermost() {
        for value in all.alternatives() {
            let Value::Object(object) = value else {
                continue;
            };
            if !is_asgi(interpreter, object) {
                continue;
            }
            // `app = Guard(app)` under a condition: it may be served without it.
            let sure = all.alternatives().len() == 1;
            let conditions = if sure {
                Vec::new()
            } else {
                vec!["its own condition holds".into()]
            };
            let added = Added::around(object.spot, conditions);
            let mut around = Vec::new();
            if let Value::Object(inner) = unwrap(value, &added, &mut around, 0)
                && !around.is_empty()
            {
                found.push(Wrapped {
                    inner,
                    around,
                    name: name.clone(),
                });
            }
        }
    }
    found
}

/// Whether it is called with a scope and two channels, and is no application of the framework.
fn is_asgi<'a>(interpreter: &mut Interpreter<'a>, object: &Rc<Object<'a>>) -> bool {
    match object.known {
        Some(Known::BaseHttpMiddleware) => true,
        Some(_) => false,
        None => match interpreter.attribute_of_class(object, "__call__") {
            Some(Value::Method(method)) => {
                let parameters = method.function.definition.parameters();
                parameters.is_some_and(|all| all.posonlyargs.len() + all.args.len() == 4)
            }
            _ => false,
        },
    }
}

/// The middleware of an application, from the outermost to the innermost.
pub(crate) fn middleware_of<'a>(router: &Router<'a>) -> Vec<Rc<Middleware<'a>>> {
    let list = items(Some(&router.middleware.borrow()), "the middleware");
    let all = list.iter().map(|item| {
        let middleware = as_middleware(item, &router.added);
        if router.added.conditions.is_empty() || middleware.added.conditions.is_empty() {
            return middleware;
        }
        let mut added = middleware.added.clone();
        added
            .conditions
            .retain(|condition| !router.added.conditions.contains(condition));
        Rc::new(Middleware {
            callee: middleware.callee.clone(),
            arguments: middleware.arguments.clone(),
            dispatch: middleware.dispatch,
            added,
        })
    });
    all.collect()
}

/// An item of a list of middleware.
pub(crate) fn as_middleware<'a>(item: &Value<'a>, added: &Added) -> Rc<Middleware<'a>> {
    if let Value::Object(object) = item
        && let Some(made) = framework(object)
        && let Framework::Middleware(middleware) = &*made
    {
        return Rc::clone(middleware);
    }
    let callees = item.alternatives().iter().map(|item| match item {
        Value::Object(_) => as_middleware_callee(item),
        other => other.clone(),
    });
    Rc::new(Middleware {
        callee: Value::either(callees),
        arguments: Arguments::default(),
        dispatch: false,
        added: added.clone(),
    })
}

fn as_middleware_callee<'a>(item: &Value<'a>) -> Value<'a> {
    if let Value::Object(object) = item
        && let Some(made) = framework(object)
        && let Framework::Middleware(middleware) = &*made
    {
        return middleware.callee.clone();
    }
    item.clone()
}
