//! Routes of applications that the source does not make: a plug-in is handed one, a library makes one.
//!
//! Nobody can tell what stands before such routes. They are kept, so that they are not lost in silence.

use std::cell::RefCell;
use std::rc::Rc;

use ruff_python_ast::Expr;

use super::Known;
use super::construct::{self, router_of};
use super::data::{Framework, framework, object, push, why};
use super::known::VERBS;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Function, Names, Object, Spot, Value};

/// Names that a parameter without annotation has when an application is handed in.
const NAMES: [&str; 6] = [
    "app",
    "router",
    "application",
    "api_router",
    "fastapi_app",
    "fast_api_app",
];

/// Libraries whose decorators look like those of FastAPI.
const OTHERS: [&str; 16] = [
    "flask",
    "quart",
    "sanic",
    "bottle",
    "aiohttp",
    "falcon",
    "tornado",
    "litestar",
    "robyn",
    "django",
    "httpx",
    "requests",
    "responses",
    "respx",
    "requests_mock",
    "locust",
];

/// A router for what a function does to the application that it is handed, when nobody in the source calls it.
pub(crate) fn stand_in<'a>(
    interpreter: &mut Interpreter<'a>,
    function: &Rc<Function<'a>>,
    name: &str,
    annotation: Option<&Value<'a>>,
) -> Option<Value<'a>> {
    if interpreter.quiet {
        return None;
    }
    if let Some(app) = served_by(interpreter, function) {
        return Some(app);
    }
    let fits = match annotation {
        None => NAMES.contains(&name),
        Some(annotation) => annotation.alternatives().iter().any(|one| {
            let known = interpreter.known_base(one);
            known.is_some_and(Known::is_router)
        }),
    };
    if !fits {
        return None;
    }
    let spot = Spot::new(
        function.module,
        ruff_text_size::Ranged::range(&function.definition),
    );
    let made = Rc::new(Object {
        maker: Some(Rc::clone(function)),
        ..new(spot)
    });
    construct::construct(interpreter, &made, &Arguments::default(), spot);
    interpreter.objects.push(Rc::clone(&made));
    Some(Value::Object(made))
}

/// The application that this function prepares to serve: `FastAPI(lifespan=function)`.
fn served_by<'a>(interpreter: &Interpreter<'a>, function: &Rc<Function<'a>>) -> Option<Value<'a>> {
    let range = ruff_text_size::Ranged::range(&function.definition);
    let is_it = |value: &Value<'a>| match value {
        Value::Function(other) => {
            other.module == function.module
                && ruff_text_size::Ranged::range(&other.definition) == range
        }
        _ => false,
    };
    let app = interpreter.objects.iter().find(|object| {
        let made = framework(object);
        let lifespan = made
            .as_deref()
            .and_then(Framework::router)
            .and_then(|router| router.lifespan.as_ref());
        lifespan.is_some_and(|lifespan| lifespan.alternatives().iter().any(is_it))
    })?;
    Some(Value::Object(Rc::clone(app)))
}

/// An empty router.
fn new<'a>(spot: Spot) -> Object<'a> {
    Object {
        class: None,
        known: Some(Known::ApiRouter),
        is_any: false,
        fields: RefCell::new(Names::default()),
        framework: RefCell::new(None),
        spot,
        name: RefCell::new(None),
        maker: None,
    }
}

/// Keeps a function with a decorator that looks like `@app.get("/path")`, when what `app` is cannot be told.
pub(crate) fn stray<'a>(
    interpreter: &mut Interpreter<'a>,
    decorator: &'a Expr,
    by: &Value<'a>,
    decorated: &Value<'a>,
    spot: Spot,
) {
    let Expr::Call(call) = decorator else { return };
    let Expr::Attribute(attribute) = &*call.func else {
        return;
    };
    let method = attribute.attr.as_str();
    let websocket = matches!(method, "websocket" | "websocket_route");
    if interpreter.quiet || !(websocket || VERBS.contains(&method) || method == "api_route") {
        return;
    }
    let Some(Expr::StringLiteral(path)) = call.arguments.args.first() else {
        return;
    };
    if !path.value.to_str().starts_with('/') || !is_unknown(by) {
        return;
    }
    let reason = match by {
        Value::Made(made) => match &made.of {
            Some(of) => why(of, "the application that it is added to"),
            None => why(by, "the application that it is added to"),
        },
        other => why(other, "the application that it is added to"),
    };
    let path = Value::text(path.value.to_str());
    let mut arguments = Arguments {
        positional: vec![path, decorated.clone()],
        ..Arguments::default()
    };
    let (known, route) = if websocket {
        let known = Known::ApiWebSocketRoute;
        (
            known,
            construct::websocket_route(interpreter, known, &arguments, spot),
        )
    } else {
        if VERBS.contains(&method) {
            let methods = Value::list(vec![Value::text(&method.to_uppercase())]);
            arguments.keywords.push(("methods".into(), methods));
        } else {
            arguments.open = Some("its decorator is not followed".into());
        }
        let known = Known::ApiRoute;
        (
            known,
            construct::http_route(interpreter, known, &arguments, spot),
        )
    };
    let mut route = route;
    route.unresolved.get_or_insert(reason);
    let home = home(interpreter, spot);
    if let Some(made) = router_of(interpreter, &home)
        && let Some(router) = made.router()
    {
        push(
            &router.routes,
            Value::Object(object(known, Framework::Route(route), spot)),
            false,
        );
    }
}

/// The router that holds the strays of a module.
fn home<'a>(interpreter: &mut Interpreter<'a>, spot: Spot) -> Rc<Object<'a>> {
    const NAME: &str = "<unknown application>";
    let is_home = |object: &&Rc<Object<'a>>| matches!(&*object.name.borrow(), Some((module, name)) if *module == spot.module && &**name == NAME);
    if let Some(found) = interpreter.objects.iter().find(is_home) {
        return Rc::clone(found);
    }
    let home = Rc::new(new(spot));
    *home.name.borrow_mut() = Some((spot.module, NAME.into()));
    interpreter.objects.push(Rc::clone(&home));
    home
}

fn is_unknown(by: &Value<'_>) -> bool {
    match by {
        Value::Unknown(_) => true,
        Value::Made(made) => {
            let package = made.callee.split('.').next().unwrap_or_default();
            !OTHERS.contains(&package)
        }
        _ => false,
    }
}
