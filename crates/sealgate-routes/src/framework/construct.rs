//! What the constructors of the framework's classes do.

use std::cell::RefCell;
use std::rc::Rc;

use sealgate_inventory::Kind;

use super::data::{
    Added, ExceptionHandler, Framework, Inherited, Middleware, Mount, Route, Router, Texts,
    framework, items, list, object,
};
use super::{Known, docs, views};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Object, Spot, Value};

/// Fills in what the framework keeps in a new `object`, whose class is or inherits from a known one.
pub(crate) fn construct<'a>(
    interpreter: &mut Interpreter<'a>,
    object: &Rc<Object<'a>>,
    arguments: &Arguments<'a>,
    spot: Spot,
) {
    let Some(known) = object.known else { return };
    let made = match known {
        Known::FastApi
        | Known::Cadwyn
        | Known::Starlette
        | Known::ApiRouter
        | Known::Router
        | Known::Routable => Framework::Router(router(interpreter, known, arguments, spot)),
        Known::ApiRoute | Known::Route => {
            Framework::Route(http_route(interpreter, known, arguments, spot))
        }
        Known::ApiWebSocketRoute | Known::WebSocketRoute => {
            Framework::Route(websocket_route(interpreter, known, arguments, spot))
        }
        Known::Mount => Framework::Mount(mount(interpreter, arguments, spot)),
        Known::Host => Framework::Mount(host(interpreter, arguments, spot)),
        Known::Middleware => {
            Framework::Middleware(Rc::new(middleware(interpreter, arguments, spot)))
        }
        Known::StaticFiles => Framework::Static,
        Known::HttpEndpoint
        | Known::WebSocketEndpoint
        | Known::BaseHttpMiddleware
        | Known::Included
        | Known::PublicPath => return,
    };
    *object.framework.borrow_mut() = Some(Rc::new(made));
    if matches!(known, Known::FastApi | Known::Cadwyn) {
        docs::add(interpreter, object, arguments, spot);
    }
    if known == Known::Routable {
        views::routable(interpreter, object, spot);
    }
}

/// What the framework keeps in an application or router, even if its class never called `super().__init__()`.
pub(crate) fn router_of<'a>(
    interpreter: &mut Interpreter<'a>,
    object: &Rc<Object<'a>>,
) -> Option<Rc<Framework<'a>>> {
    if !object.known.is_some_and(Known::is_router) {
        return None;
    }
    if framework(object).is_none() {
        construct(interpreter, object, &Arguments::default(), object.spot);
    }
    framework(object)
}

fn router<'a>(
    interpreter: &mut Interpreter<'a>,
    known: Known,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Router<'a> {
    let starlette = known == Known::Starlette;
    let routes = match known {
        Known::Starlette => arguments.get(1, "routes"),
        Known::Router => arguments.get(0, "routes"),
        _ => arguments.keyword("routes"),
    };
    let middleware = arguments.keyword("middleware").or_else(|| {
        let positional = arguments.positional.get(2);
        positional.filter(|_| starlette)
    });
    let prefix = match (arguments.keyword("prefix"), &arguments.open) {
        (None, Some(reason)) if known.is_fastapi() && !known.is_application() => {
            Value::unknown(Rc::clone(reason))
        }
        (prefix, _) => prefix.cloned().unwrap_or_else(|| Value::text("")),
    };
    let dependencies = with_open(arguments, "dependencies", "the dependencies of the router");
    let handlers = arguments.keyword("exception_handlers").or_else(|| {
        let positional = arguments.positional.get(3);
        positional.filter(|_| starlette)
    });
    let routes = list(routes, "the list of routes");
    if let (Value::Sequence(sequence), Some(reason)) = (&routes, &arguments.open)
        && arguments.keyword("routes").is_none()
        && !known.is_fastapi()
    {
        *sequence.open.borrow_mut() = Some(Rc::clone(reason));
    }
    let middleware = list(middleware, "the middleware");
    wrap_middleware(interpreter, &middleware, spot);
    Router {
        prefix: RefCell::new(prefix),
        dependencies: RefCell::new(Value::list(if known.is_fastapi() {
            dependencies
        } else {
            Vec::new()
        })),
        routes: RefCell::new(routes),
        middleware: RefCell::new(middleware),
        exception_handlers: RefCell::new(exception_handlers(handlers)),
        route_class: RefCell::new(arguments.keyword("route_class").cloned()),
        lifespan: arguments.keyword("lifespan").cloned(),
        sealgate: RefCell::new(None),
        added: Added::now(interpreter, spot),
    }
}

/// The items of a list argument, and something unknown if it may be among arguments that are not known.
pub(crate) fn with_open<'a>(arguments: &Arguments<'a>, name: &str, what: &str) -> Vec<Value<'a>> {
    match (arguments.keyword(name), &arguments.open) {
        (None, Some(reason)) => vec![Value::unknown(format!("{what} cannot be told: {reason}"))],
        (list, _) => items(list, what),
    }
}

/// Items of a list of middleware that are no `Middleware(...)`, as one.
fn wrap_middleware<'a>(interpreter: &mut Interpreter<'a>, list: &Value<'a>, spot: Spot) {
    let Value::Sequence(sequence) = list else {
        return;
    };
    let reason = sequence.open.borrow_mut().take();
    if let Some(reason) = reason {
        sequence.items.borrow_mut().push(Value::Unknown(reason));
    }
    let items = std::mem::take(&mut *sequence.items.borrow_mut());
    for item in items {
        let alternatives = item.alternatives();
        let perhaps = alternatives.len() > 1;
        for item in alternatives {
            if matches!(item, Value::None) {
                continue;
            }
            let item = one_middleware(interpreter, item, perhaps, spot);
            sequence.items.borrow_mut().push(item);
        }
    }
}

/// An item of a list of middleware; one that may be missing has a condition.
fn one_middleware<'a>(
    interpreter: &mut Interpreter<'a>,
    item: &Value<'a>,
    perhaps: bool,
    spot: Spot,
) -> Value<'a> {
    let given = match item {
        Value::Object(made) => framework(made),
        _ => None,
    };
    let mut middleware = match (given.as_deref(), item) {
        (Some(Framework::Middleware(middleware)), _) => middleware.as_ref().clone(),
        (_, Value::Object(_)) => return item.clone(),
        _ => Middleware {
            callee: item.clone(),
            arguments: Arguments::default(),
            dispatch: false,
            added: Added::now(interpreter, spot),
        },
    };
    if perhaps && middleware.added.conditions.is_empty() {
        middleware
            .added
            .conditions
            .push("it is in the list of middleware".into());
    }
    Value::Object(object(
        Known::Middleware,
        Framework::Middleware(Rc::new(middleware)),
        spot,
    ))
}

fn exception_handlers<'a>(handlers: Option<&Value<'a>>) -> Vec<ExceptionHandler<'a>> {
    let mut found = Vec::new();
    for value in handlers.map_or(&[][..], Value::alternatives) {
        let Value::Dict(dict) = value else { continue };
        for (exception, handler) in dict.items.borrow().iter() {
            found.push(ExceptionHandler {
                exception: exception.clone(),
                handler: handler.clone(),
            });
        }
    }
    found
}

/// `Route(path, endpoint, ...)` or `APIRoute(path, endpoint, ...)`.
pub(crate) fn http_route<'a>(
    interpreter: &mut Interpreter<'a>,
    known: Known,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Route<'a> {
    let api = known == Known::ApiRoute;
    let endpoint = endpoint(arguments.get(1, "endpoint"));
    let methods = arguments.keyword("methods").or_else(|| {
        // Old versions of Starlette took the methods as the third argument.
        let positional = arguments.positional.get(2);
        positional.filter(|_| !api)
    });
    let (methods, unresolved) = views::methods(
        interpreter,
        api,
        methods,
        arguments.open.as_ref(),
        &endpoint,
    );
    route(
        interpreter,
        Kind::Http,
        api,
        methods,
        endpoint,
        unresolved,
        arguments,
        spot,
    )
}

/// `WebSocketRoute(path, endpoint, ...)` or `APIWebSocketRoute(path, endpoint, ...)`.
pub(crate) fn websocket_route<'a>(
    interpreter: &mut Interpreter<'a>,
    known: Known,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Route<'a> {
    let api = known == Known::ApiWebSocketRoute;
    let endpoint = endpoint(arguments.get(1, "endpoint"));
    route(
        interpreter,
        Kind::Websocket,
        api,
        Vec::new(),
        endpoint,
        None,
        arguments,
        spot,
    )
}

fn endpoint<'a>(given: Option<&Value<'a>>) -> Value<'a> {
    given
        .cloned()
        .unwrap_or_else(|| Value::unknown("none is given"))
}

#[expect(clippy::too_many_arguments, reason = "what a route is made of")]
fn route<'a>(
    interpreter: &mut Interpreter<'a>,
    kind: Kind,
    api: bool,
    methods: Vec<Rc<str>>,
    endpoint: Value<'a>,
    unresolved: Option<Rc<str>>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Route<'a> {
    let path = match arguments.get(0, "path") {
        None => Texts::of(Some(&Value::unknown("none is given")), "path"),
        path => Texts::of(path, "path"),
    };
    let dependencies = if api {
        with_open(arguments, "dependencies", "the dependencies of the route")
    } else {
        Vec::new()
    };
    let unresolved = unresolved
        .or_else(|| path.unknown.clone())
        .or_else(|| match &endpoint {
            Value::Unknown(_) | Value::Parameter(_) => {
                Some(super::data::why(&endpoint, "its endpoint"))
            }
            _ => None,
        });
    Route {
        kind,
        api,
        path: RefCell::new(path),
        methods,
        endpoint: RefCell::new(endpoint),
        inherited: Inherited::default(),
        dependencies,
        class: None,
        middleware: items(
            arguments.keyword("middleware"),
            "the middleware of the route",
        ),
        added: Added::now(interpreter, spot),
        unresolved,
    }
}

/// `Mount(path, app=None, routes=None, name=None, middleware=None)`.
pub(crate) fn mount<'a>(
    interpreter: &mut Interpreter<'a>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Mount<'a> {
    let given = arguments
        .get(1, "app")
        .filter(|app| !matches!(app, Value::None));
    let app = if let Some(app) = given {
        app.clone()
    } else if let Some(routes) = arguments.get(2, "routes") {
        let arguments = Arguments {
            positional: vec![routes.clone()],
            ..Arguments::default()
        };
        let inner = router(interpreter, Known::Router, &arguments, spot);
        Value::Object(object(Known::Router, Framework::Router(inner), spot))
    } else {
        Value::unknown("no application is given")
    };
    let mut path = Texts::of(arguments.get(0, "path"), "path");
    for text in &mut path.all {
        *text = text.trim_end_matches('/').into();
    }
    Mount {
        path,
        host: false,
        app,
        middleware: items(
            arguments.keyword("middleware"),
            "the middleware of the mount",
        ),
        added: Added::now(interpreter, spot),
    }
}

/// `Host(host, app, name=None)`.
pub(crate) fn host<'a>(
    interpreter: &mut Interpreter<'a>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Mount<'a> {
    Mount {
        path: Texts::of(arguments.get(0, "host"), "host"),
        host: true,
        app: arguments
            .get(1, "app")
            .cloned()
            .unwrap_or_else(|| Value::unknown("no application is given")),
        middleware: Vec::new(),
        added: Added::now(interpreter, spot),
    }
}

/// `Middleware(cls, *args, **kwargs)`, and `app.add_middleware` with the same arguments.
pub(crate) fn middleware<'a>(
    interpreter: &mut Interpreter<'a>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Middleware<'a> {
    let mut rest = arguments.clone();
    let callee = if rest.positional.is_empty() {
        let name = ["cls", "middleware_class"]
            .into_iter()
            .find(|name| arguments.keyword(name).is_some());
        rest.keywords.retain(|(key, _)| Some(&**key) != name);
        name.and_then(|name| arguments.keyword(name)).cloned()
    } else {
        Some(rest.positional.remove(0))
    };
    let callee = callee.unwrap_or_else(|| Value::unknown("no middleware is given"));
    // `add_middleware(BaseHTTPMiddleware, dispatch=function)`
    let base = matches!(&callee, Value::External(path) if super::known(path) == Some(Known::BaseHttpMiddleware))
        || matches!(callee, Value::Known(Known::BaseHttpMiddleware));
    let (callee, dispatch) = match rest.get(0, "dispatch") {
        Some(function) if base => (function.clone(), true),
        _ => (callee, false),
    };
    Middleware {
        callee,
        arguments: rest,
        dispatch,
        added: Added::now(interpreter, spot),
    }
}
