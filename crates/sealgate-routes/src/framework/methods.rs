//! What the methods of applications and routers do.

use std::cell::RefCell;
use std::rc::Rc;

use sealgate_inventory::Kind;

use super::Known;
use super::construct::{self, router_of, with_open};
use super::data::{
    Added, ExceptionHandler, Framework, Include, Middleware, Route, Router, Texts, object, push,
};
use super::known::VERBS;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, KnownMethod, Object, Spot, Value};

/// Calls a method of an object of the framework.
pub(crate) fn call_method<'a>(
    interpreter: &mut Interpreter<'a>,
    method: &Rc<KnownMethod<'a>>,
    arguments: Arguments<'a>,
    spot: Spot,
) -> Value<'a> {
    let receiver = &method.receiver;
    if &*method.name == "__init__" {
        construct::construct(interpreter, receiver, &arguments, receiver.spot);
        return Value::None;
    }
    if let Some((first, at)) = &method.waiting {
        let decorated = arguments.positional.first().cloned();
        let decorated = decorated.unwrap_or_else(|| Value::unknown("nothing is decorated"));
        decorate(interpreter, method, first, *at, &decorated);
        return decorated;
    }
    let Some(made) = router_of(interpreter, receiver) else {
        return Value::unknown("it is no router");
    };
    let Some(router) = made.router() else {
        return Value::unknown("it is no router");
    };
    let name = &*method.name;
    match name {
        "api_route" | "websocket" | "route" | "websocket_route" | "middleware"
        | "exception_handler" | "on_event" => {
            return waiting(method, arguments, spot);
        }
        verb if VERBS.contains(&verb) => {
            let mut arguments = arguments;
            arguments.keywords.retain(|(key, _)| &**key != "methods");
            let verb = Value::list(vec![Value::text(&verb.to_uppercase())]);
            arguments.keywords.push(("methods".into(), verb));
            if let Some(own) = overridden(interpreter, receiver, "api_route") {
                return interpreter.call(&own, arguments, spot);
            }
            return waiting(method, arguments, spot);
        }
        SOME => {
            let mut arguments = arguments;
            arguments.open.get_or_insert_with(|| WHICH.into());
            match arguments.get(1, "endpoint") {
                Some(
                    Value::Function(_) | Value::Method(_) | Value::Partial(_) | Value::Wrapped(_),
                ) => {
                    add(
                        interpreter,
                        receiver,
                        router,
                        "add_api_route",
                        arguments,
                        spot,
                    );
                }
                _ => return waiting(method, arguments, spot),
            }
        }
        "add_api_route" | "add_route" | "add_api_websocket_route" | "add_websocket_route" => {
            add(interpreter, receiver, router, name, arguments, spot);
        }
        "include_router" => include(interpreter, receiver, router, &arguments, spot),
        "generate_and_include_versioned_routers" => {
            for router_given in arguments.positional {
                let arguments = Arguments {
                    positional: vec![router_given],
                    ..Arguments::default()
                };
                include(interpreter, receiver, router, &arguments, spot);
            }
        }
        "mount" => {
            let mount = construct::mount(interpreter, &arguments, spot);
            let mount = object(Known::Mount, Framework::Mount(mount), spot);
            push(&router.routes, Value::Object(mount), false);
        }
        "host" => {
            let host = construct::host(interpreter, &arguments, spot);
            let host = object(Known::Host, Framework::Mount(host), spot);
            push(&router.routes, Value::Object(host), false);
        }
        "frontend" => frontend(interpreter, receiver, router, &arguments, spot),
        "add_middleware" => {
            let middleware = construct::middleware(interpreter, &arguments, spot);
            let middleware = object(
                Known::Middleware,
                Framework::Middleware(Rc::new(middleware)),
                spot,
            );
            push(&router.middleware, Value::Object(middleware), true);
        }
        "add_exception_handler" => router
            .exception_handlers
            .borrow_mut()
            .push(ExceptionHandler {
                exception: arguments
                    .get(0, "exc_class_or_status_code")
                    .cloned()
                    .unwrap_or(Value::None),
                handler: arguments.get(1, "handler").cloned().unwrap_or(Value::None),
            }),
        _ => {}
    }
    Value::None
}

/// A method of a router that is called by a name that is not known: `getattr(router, method)`. What it is called
/// with may become a route.
pub(crate) fn some_method<'a>(owner: &Value<'a>) -> Option<Value<'a>> {
    let receiver = owner.alternatives().iter().find_map(|value| match value {
        Value::Object(object) if object.known.is_some_and(Known::is_router) => {
            Some(Rc::clone(object))
        }
        _ => None,
    })?;
    Some(Value::KnownMethod(Rc::new(KnownMethod {
        receiver,
        name: SOME.into(),
        waiting: None,
    })))
}

/// The name of the method whose name is not known.
const SOME: &str = "?";

/// Why the methods of a route are not known that such a method adds.
const WHICH: &str = "which method of the router is called is not known";

/// A decorator that waits for its function.
fn waiting<'a>(method: &KnownMethod<'a>, arguments: Arguments<'a>, spot: Spot) -> Value<'a> {
    Value::KnownMethod(Rc::new(KnownMethod {
        receiver: Rc::clone(&method.receiver),
        name: Rc::clone(&method.name),
        waiting: Some((arguments, spot)),
    }))
}

/// The method of this name, if the class of `object` in the tree has its own.
///
/// FastAPI's decorators of a router call `self.api_route(...)` and `self.add_api_route(...)`. Those of an
/// application go to its router, so that what its class overrides is not asked.
fn overridden<'a>(
    interpreter: &mut Interpreter<'a>,
    object: &Rc<Object<'a>>,
    name: &str,
) -> Option<Value<'a>> {
    if object.class.is_none() || object.known.is_none_or(Known::is_application) {
        return None;
    }
    let found = interpreter.attribute(&Value::Object(Rc::clone(object)), name);
    matches!(
        found,
        Value::Method(_) | Value::Function(_) | Value::Partial(_) | Value::Wrapped(_)
    )
    .then_some(found)
}

/// A decorator that got its function.
fn decorate<'a>(
    interpreter: &mut Interpreter<'a>,
    method: &KnownMethod<'a>,
    first: &Arguments<'a>,
    spot: Spot,
    decorated: &Value<'a>,
) {
    let receiver = &method.receiver;
    let target = match &*method.name {
        "route" => "add_route",
        "websocket" => "add_api_websocket_route",
        "websocket_route" => "add_websocket_route",
        "on_event" => return,
        "middleware" => return dispatch_middleware(interpreter, receiver, decorated, spot),
        "exception_handler" => {
            if let Some(made) = router_of(interpreter, receiver)
                && let Some(router) = made.router()
            {
                router
                    .exception_handlers
                    .borrow_mut()
                    .push(ExceptionHandler {
                        exception: first
                            .get(0, "exc_class_or_status_code")
                            .cloned()
                            .unwrap_or(Value::None),
                        handler: decorated.clone(),
                    });
            }
            return;
        }
        _ => "add_api_route",
    };
    let mut arguments = first.clone();
    let path = if arguments.positional.is_empty() {
        let path = arguments.keyword("path").cloned();
        arguments.keywords.retain(|(key, _)| &**key != "path");
        path
    } else {
        Some(arguments.positional.remove(0))
    };
    let path = path.unwrap_or_else(|| Value::unknown("none is given"));
    arguments.positional.insert(0, path);
    arguments.positional.insert(1, decorated.clone());
    if let Some(own) = overridden(interpreter, receiver, target) {
        interpreter.call(&own, arguments, spot);
        return;
    }
    if let Some(made) = router_of(interpreter, receiver)
        && let Some(router) = made.router()
    {
        add(interpreter, receiver, router, target, arguments, spot);
    }
}

fn dispatch_middleware<'a>(
    interpreter: &mut Interpreter<'a>,
    receiver: &Rc<Object<'a>>,
    decorated: &Value<'a>,
    spot: Spot,
) {
    let added = Added::now(interpreter, spot);
    let Some(made) = router_of(interpreter, receiver) else {
        return;
    };
    let Some(router) = made.router() else { return };
    let middleware = Middleware {
        callee: decorated.clone(),
        arguments: Arguments::default(),
        dispatch: true,
        added,
    };
    let middleware = object(
        Known::Middleware,
        Framework::Middleware(Rc::new(middleware)),
        spot,
    );
    push(&router.middleware, Value::Object(middleware), true);
}

/// `add_route`, `add_api_route` and the same for WebSockets.
fn add<'a>(
    interpreter: &mut Interpreter<'a>,
    receiver: &Rc<Object<'a>>,
    router: &Router<'a>,
    name: &str,
    arguments: Arguments<'a>,
    spot: Spot,
) {
    let known = match name {
        "add_api_route" => Known::ApiRoute,
        "add_route" => Known::Route,
        "add_api_websocket_route" => Known::ApiWebSocketRoute,
        _ => Known::WebSocketRoute,
    };
    let mut arguments = arguments;
    for (key, _) in &mut arguments.keywords {
        // Starlette's applications call the endpoint so.
        if &**key == "route" {
            *key = "endpoint".into();
        }
    }
    let own_class = match arguments.keyword("route_class_override") {
        Some(Value::None) | None => router.route_class.borrow().clone(),
        class => class.cloned(),
    };
    let mut route = if matches!(known, Known::ApiRoute | Known::Route) {
        construct::http_route(interpreter, known, &arguments, spot)
    } else {
        construct::websocket_route(interpreter, known, &arguments, spot)
    };
    if route.api {
        let prefix = Texts::of(Some(&router.prefix.borrow()), "prefix");
        let path = prefix.then(&route.path.borrow());
        *route.path.borrow_mut() = path;
        route.inherited = router.inherited(receiver.known);
    }
    if known == Known::ApiRoute {
        route.class = own_class;
    }
    let route = object(known, Framework::Route(route), spot);
    push(&router.routes, Value::Object(route), false);
}

/// `include_router(router, prefix="", dependencies=None)`.
fn include<'a>(
    interpreter: &mut Interpreter<'a>,
    receiver: &Rc<Object<'a>>,
    router: &Router<'a>,
    arguments: &Arguments<'a>,
    spot: Spot,
) {
    let Some(included) = arguments.get(0, "router") else {
        return;
    };
    let prefix = match (arguments.keyword("prefix"), &arguments.open) {
        (None, Some(reason)) => Texts::of(Some(&Value::Unknown(Rc::clone(reason))), "prefix"),
        (prefix, _) => Texts::of(prefix, "prefix"),
    };
    let own = Texts::of(Some(&router.prefix.borrow()), "prefix");
    let include = Include {
        router: included.clone(),
        prefix: own.then(&prefix),
        inherited: router.inherited(receiver.known),
        dependencies: with_open(
            arguments,
            "dependencies",
            "the dependencies of `include_router`",
        ),
        added: Added::now(interpreter, spot),
    };
    let include = object(Known::Included, Framework::Include(include), spot);
    push(&router.routes, Value::Object(include), false);
}

/// `app.frontend(path, directory=...)`: tried after everything else.
fn frontend<'a>(
    interpreter: &mut Interpreter<'a>,
    receiver: &Rc<Object<'a>>,
    router: &Router<'a>,
    arguments: &Arguments<'a>,
    spot: Spot,
) {
    let mut prefix = Texts::of(Some(&router.prefix.borrow()), "prefix");
    for text in &mut prefix.all {
        *text = text.trim_end_matches('/').into();
    }
    let path = prefix.then(&Texts::of(arguments.get(0, "path"), "path"));
    let unresolved = path.unknown.clone();
    let route = Route {
        kind: Kind::Frontend,
        api: true,
        path: RefCell::new(path),
        methods: vec!["GET".into(), "HEAD".into()],
        endpoint: RefCell::new(Value::External(
            "fastapi.routing._FrontendRouteGroup".into(),
        )),
        inherited: router.inherited(receiver.known),
        dependencies: Vec::new(),
        class: None,
        middleware: Vec::new(),
        added: Added::now(interpreter, spot),
        unresolved,
    };
    let route = object(Known::Route, Framework::Route(route), spot);
    push(&router.routes, Value::Object(route), false);
}
