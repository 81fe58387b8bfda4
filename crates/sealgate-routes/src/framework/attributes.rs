//! The attributes of applications, routers and routes.

use std::rc::Rc;

use super::Known;
use super::construct::router_of;
use super::data::{
    Added, Framework, Include, Inherited, Mount, Route, Router, Texts, framework, items, object,
    push,
};
use super::known::has_method;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{KnownMethod, Object, Value};

/// An attribute of an object of the framework: data like `app.router`, or a [`KnownMethod`].
pub(crate) fn attribute<'a>(
    interpreter: &mut Interpreter<'a>,
    object: &Rc<Object<'a>>,
    name: &str,
) -> Option<Value<'a>> {
    let known = object.known?;
    if has_method(known, name) {
        return Some(Value::KnownMethod(Rc::new(KnownMethod {
            receiver: Rc::clone(object),
            name: name.into(),
            waiting: None,
        })));
    }
    let made = if known.is_router() {
        router_of(interpreter, object)?
    } else {
        framework(object)?
    };
    match &*made {
        Framework::Router(router) => of_router(object, router, name),
        Framework::Route(route) => of_route(interpreter, route, name),
        Framework::Mount(mount) => of_mount(interpreter, mount, name),
        Framework::Include(include) => match name {
            "original_router" => Some(include.router.clone()),
            _ => None,
        },
        Framework::Middleware(middleware) => match name {
            "cls" => Some(middleware.callee.clone()),
            _ => None,
        },
        Framework::Static | Framework::PublicPath(_) => None,
    }
}

fn of_router<'a>(object: &Rc<Object<'a>>, router: &Router<'a>, name: &str) -> Option<Value<'a>> {
    match name {
        // An application and its router are one thing here.
        "router" if object.known != Some(Known::ApiRouter) => {
            Some(Value::Object(Rc::clone(object)))
        }
        "routes" => Some(router.routes.borrow().clone()),
        "dependencies" => Some(router.dependencies.borrow().clone()),
        "prefix" => Some(router.prefix.borrow().clone()),
        "user_middleware" => Some(router.middleware.borrow().clone()),
        "route_class" => {
            let class = router.route_class.borrow().clone();
            Some(class.unwrap_or_else(|| Value::External("fastapi.routing.APIRoute".into())))
        }
        _ => None,
    }
}

fn of_route<'a>(
    interpreter: &mut Interpreter<'a>,
    route: &Route<'a>,
    name: &str,
) -> Option<Value<'a>> {
    match name {
        "path" | "path_format" => Some(texts(&route.path.borrow())),
        "endpoint" => Some(route.endpoint.borrow().clone()),
        "methods" => Some(Value::list(
            route
                .methods
                .iter()
                .map(|name| Value::Str(Rc::clone(name)))
                .collect(),
        )),
        "dependencies" => {
            let all = route
                .inherited
                .dependencies
                .iter()
                .chain(&route.dependencies);
            Some(Value::list(all.cloned().collect()))
        }
        "name" => {
            let endpoint = route.endpoint.borrow().clone();
            Some(interpreter.attribute(&endpoint, "__name__"))
        }
        _ => None,
    }
}

fn of_mount<'a>(
    interpreter: &mut Interpreter<'a>,
    mount: &Mount<'a>,
    name: &str,
) -> Option<Value<'a>> {
    match name {
        "path" if !mount.host => Some(texts(&mount.path)),
        "app" => Some(mount.app.clone()),
        "routes" => match &mount.app {
            Value::Object(app) if app.known.is_some_and(Known::is_router) => {
                attribute(interpreter, app, "routes")
            }
            _ => Some(Value::list(Vec::new())),
        },
        _ => None,
    }
}

fn texts<'a>(texts: &Texts) -> Value<'a> {
    match &texts.unknown {
        Some(reason) => Value::Unknown(Rc::clone(reason)),
        None => Value::either(texts.all.iter().map(|text| Value::Str(Rc::clone(text)))),
    }
}

/// Sets an attribute, `app.router.route_class = ...`; whether it means something to the framework.
pub(crate) fn set_attribute<'a>(
    interpreter: &mut Interpreter<'a>,
    object: &Rc<Object<'a>>,
    name: &str,
    value: &Value<'a>,
) -> bool {
    let Some(known) = object.known else {
        return false;
    };
    let made = if known.is_router() {
        router_of(interpreter, object)
    } else {
        framework(object)
    };
    let Some(made) = made else { return false };
    let sure = interpreter.conditions.is_empty();
    match &*made {
        Framework::Router(router) => set_on_router(interpreter, object, router, name, value),
        Framework::Route(route) => {
            match name {
                "path" => {
                    let given = Texts::of(Some(value), "path");
                    // A path that was computed in a way that cannot be followed is still that of before.
                    if given.unknown.is_none() {
                        *route.path.borrow_mut() = given;
                    }
                }
                "endpoint" => {
                    let before = route.endpoint.borrow().clone();
                    let now = if sure {
                        value.clone()
                    } else {
                        Value::either([before, value.clone()])
                    };
                    *route.endpoint.borrow_mut() = now;
                }
                // FastAPI has worked with the first ones already: setting it later has no effect.
                "dependencies" => {}
                _ => return false,
            }
            true
        }
        _ => false,
    }
}

fn set_on_router<'a>(
    interpreter: &mut Interpreter<'a>,
    receiver: &Rc<Object<'a>>,
    router: &Router<'a>,
    name: &str,
    value: &Value<'a>,
) -> bool {
    let sure = interpreter.conditions.is_empty();
    match name {
        "routes" => {
            let mut all = items(Some(value), "the list of routes");
            if !sure || all.iter().any(|item| matches!(item, Value::Unknown(_))) {
                let before = items(Some(&router.routes.borrow()), "the list of routes");
                let missing: Vec<_> = before
                    .into_iter()
                    .filter(|old| !all.iter().any(|new| new.same(old)))
                    .collect();
                all.splice(0..0, missing);
                *router.routes.borrow_mut() = Value::list(all);
            } else if matches!(value, Value::Sequence(_)) {
                *router.routes.borrow_mut() = value.clone();
            } else {
                *router.routes.borrow_mut() = Value::list(all);
            }
        }
        "dependencies" | "prefix" => {
            let field = if name == "prefix" {
                &router.prefix
            } else {
                &router.dependencies
            };
            let before = field.borrow().clone();
            let now = if sure {
                value.clone()
            } else {
                Value::either([before, value.clone()])
            };
            *field.borrow_mut() = now;
        }
        "user_middleware" => *router.middleware.borrow_mut() = value.clone(),
        "route_class" => {
            let before = router.route_class.borrow().clone();
            let now = if sure {
                value.clone()
            } else {
                Value::either([before.unwrap_or(Value::None), value.clone()])
            };
            *router.route_class.borrow_mut() = Some(now);
        }
        "router" => {
            // Another router takes over; what was there is kept, as it cannot hurt to look at it.
            if !matches!(value, Value::Object(other) if Rc::ptr_eq(other, receiver)) {
                let added = Added::now(interpreter, receiver.spot);
                let include = Include {
                    router: value.clone(),
                    prefix: Texts::only(""),
                    inherited: Inherited::default(),
                    dependencies: Vec::new(),
                    added,
                };
                let include = object(Known::Included, Framework::Include(include), receiver.spot);
                push(&router.routes, Value::Object(include), false);
            }
        }
        _ => return false,
    }
    true
}
