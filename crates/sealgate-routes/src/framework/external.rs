//! Functions of libraries that are known.

use std::cell::RefCell;
use std::rc::Rc;

use super::data::{Added, Framework, Mount, PublicPath, Route, Texts, object, push};
use super::{Known, construct};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{
    Arguments, Depends, Function, Made, Object, Partial, Scope, ScopeData, ScopeKind, Spot, Value,
};

/// Calls a function of a library that is known here: `fastapi.Depends`, `functools.partial`. `None`: not known.
///
/// `of` is what the function is a method of, where that was made by a library: the gate of `gate.install(app)`,
/// whose path is `sealgate.Gate().install`.
pub(crate) fn call_external<'a>(
    interpreter: &mut Interpreter<'a>,
    path: &str,
    of: Option<&Value<'a>>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Option<Value<'a>> {
    match path {
        "fastapi.Depends" | "fastapi.params.Depends" | "fastapi.param_functions.Depends" => {
            Some(depends(arguments, false, spot))
        }
        "fastapi.Security" | "fastapi.params.Security" | "fastapi.param_functions.Security" => {
            Some(depends(arguments, true, spot))
        }
        "functools.partial" => partial(arguments),
        "functools.wraps" => {
            let wrapped = arguments.get(0, "wrapped")?.clone();
            Some(decorator(
                "functools.update_wrapper",
                Some(("wrapped", wrapped)),
            ))
        }
        "functools.update_wrapper" => {
            let outer = arguments.get(0, "wrapper")?.clone();
            let wrapped = arguments.get(1, "wrapped").cloned();
            Some(update_wrapper(&outer, wrapped))
        }
        // What remembers answers leaves a callable what it is.
        "functools.cache" | "functools.lru_cache" | "async_lru.alru_cache" => {
            match arguments.positional.first() {
                Some(
                    function @ (Value::Function(_)
                    | Value::Method(_)
                    | Value::Class(_)
                    | Value::Partial(_)),
                ) => Some(function.clone()),
                _ => Some(decorator("functools.cache", None)),
            }
        }
        "typing.cast" | "typing_extensions.cast" => arguments.get(1, "val").cloned(),
        // The methods that it makes endpoints have been added by the router's own decorators.
        "fastapi_utils.cbv.cbv"
        | "fastapi_utils.cbv"
        | "fastapi_restful.cbv.cbv"
        | "fastapi_restful.cbv" => Some(decorator("sealgate.same", None)),
        "sealgate.same" => arguments.positional.first().cloned(),
        _ if path.starts_with("sealgate.") => sealgate(interpreter, path, of, arguments, spot),
        _ => library(interpreter, path, of, arguments, spot),
    }
}

/// `outer` as it says that it wraps something. Around one of several it is one of several itself: each has the
/// parameters of its own.
fn update_wrapper<'a>(outer: &Value<'a>, wrapped: Option<Value<'a>>) -> Value<'a> {
    let Value::Function(function) = outer else {
        return outer.clone();
    };
    if let Some(all @ Value::Either(several)) = &wrapped {
        let each = several.iter().map(|one| {
            Value::Function(Rc::new(Function {
                module: function.module,
                definition: function.definition,
                qualname: Rc::clone(&function.qualname),
                scope: with_one(&function.scope, all, one),
                defaults: function.defaults.clone(),
                decorators: function.decorators.clone(),
                owner: function.owner.clone(),
                wraps: RefCell::new(Some(one.clone())),
            }))
        });
        return Value::either(each);
    }
    if let Some(wrapped) = wrapped {
        function.wrap(wrapped);
    }
    outer.clone()
}

/// The names around a function, where what may be one of `all` is this one.
fn with_one<'a>(scope: &Scope<'a>, all: &Value<'a>, one: &Value<'a>) -> Scope<'a> {
    if scope.kind != ScopeKind::Function {
        return Rc::clone(scope);
    }
    let mut names = scope.names.borrow().clone();
    for value in names.values_mut().filter(|value| value.same(all)) {
        *value = one.clone();
    }
    Rc::new(ScopeData {
        kind: scope.kind,
        module: scope.module,
        names: RefCell::new(names),
        parent: scope.parent.clone(),
        elsewhere: scope.elsewhere.clone(),
        function: scope.function.clone(),
    })
}

/// A decorator that calls this function with what it decorates.
fn decorator<'a>(path: &str, keyword: Option<(&str, Value<'a>)>) -> Value<'a> {
    Value::Partial(Rc::new(Partial {
        callee: Value::External(path.into()),
        arguments: Arguments {
            keywords: keyword
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
            ..Arguments::default()
        },
    }))
}

fn depends<'a>(arguments: &Arguments<'a>, security: bool, spot: Spot) -> Value<'a> {
    let callee = arguments
        .get(0, "dependency")
        .filter(|value| !matches!(value, Value::None))
        .cloned();
    let callee = match (callee, &arguments.open) {
        (None, Some(reason)) => Some(Value::Unknown(Rc::clone(reason))),
        (callee, _) => callee,
    };
    Value::Depends(Rc::new(Depends {
        callee,
        security,
        scopes: arguments.keyword("scopes").filter(|_| security).cloned(),
        spot,
    }))
}

fn partial<'a>(arguments: &Arguments<'a>) -> Option<Value<'a>> {
    let mut rest = arguments.clone();
    if rest.positional.is_empty() {
        return None;
    }
    let callee = rest.positional.remove(0);
    Some(Value::Partial(Rc::new(Partial {
        callee,
        arguments: rest,
    })))
}

/// What Sealgate's own gate does to an application.
fn sealgate<'a>(
    interpreter: &mut Interpreter<'a>,
    path: &str,
    of: Option<&Value<'a>>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Option<Value<'a>> {
    match path.rsplit('.').next()? {
        "install" => {
            for app in arguments.get(0, "app")?.alternatives() {
                let Value::Object(app) = app else { continue };
                let Some(made) = construct::router_of(interpreter, app) else {
                    continue;
                };
                let Some(router) = made.router() else {
                    continue;
                };
                *router.sealgate.borrow_mut() =
                    of.cloned().or_else(|| Some(Value::External(path.into())));
            }
            Some(Value::None)
        }
        "public_path" => {
            let opened = PublicPath {
                gate: of.cloned(),
                path: arguments.get(0, "path")?.clone(),
                reason: arguments.get(1, "reason").cloned().unwrap_or(Value::None),
            };
            let opened = object(Known::PublicPath, Framework::PublicPath(opened), spot);
            interpreter.objects.push(opened);
            Some(Value::None)
        }
        "mcp" => Some(mcp_server(interpreter, of, arguments, spot)),
        _ => None,
    }
}

/// `gate.mcp(app, server, path="/mcp", ...)`: one route for every method, whose endpoint is the door itself.
fn mcp_server<'a>(
    interpreter: &mut Interpreter<'a>,
    of: Option<&Value<'a>>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Value<'a> {
    let door = Value::Made(Rc::new(Made {
        callee: MCP_DOOR.into(),
        called: true,
        of: of.cloned(),
        arguments: arguments.clone(),
        spot,
    }));
    let path = arguments.get(2, "path").cloned();
    let path = path.unwrap_or_else(|| Value::text("/mcp"));
    let Some(app) = arguments.get(0, "app").cloned() else {
        return door;
    };
    for target in app.alternatives() {
        let Value::Object(target) = target else {
            continue;
        };
        let mut route: Route<'a> = construct::http_route(
            interpreter,
            Known::Route,
            &Arguments {
                positional: vec![path.clone(), door.clone()],
                ..Arguments::default()
            },
            spot,
        );
        route.methods.clear();
        route.unresolved = None;
        add_to(
            interpreter,
            target,
            Known::Route,
            Framework::Route(route),
            spot,
        );
    }
    door
}

/// What `gate.mcp(...)` makes, and mounts.
pub(crate) const MCP_DOOR: &str = "sealgate.mcp.Mounted";

/// The paths that `gate.public_path(...)` opened, of whichever gate.
pub(crate) fn public_paths<'a>(interpreter: &Interpreter<'a>) -> Vec<PublicPath<'a>> {
    let all = interpreter
        .objects
        .iter()
        .filter_map(super::data::framework);
    let opened = all.filter_map(|made| match &*made {
        Framework::PublicPath(opened) => Some(opened.clone()),
        _ => None,
    });
    opened.collect()
}

/// Functions of libraries that add something to an application they are given.
fn library<'a>(
    interpreter: &mut Interpreter<'a>,
    path: &str,
    of: Option<&Value<'a>>,
    arguments: &Arguments<'a>,
    spot: Spot,
) -> Option<Value<'a>> {
    let made = |name: &str| Value::External(name.into());
    let mounted = |default: &str, position: usize, name: &str| match arguments.get(position, name) {
        None => Texts::only(default),
        given => Texts::of(given, "path"),
    };
    let (app, at, what) = match path {
        "gradio.mount_gradio_app" | "gradio.routes.mount_gradio_app" => (
            arguments.get(0, "app")?,
            mounted("", 2, "path"),
            made("gradio.Blocks"),
        ),
        "sqladmin.Admin" | "sqladmin.application.Admin" => (
            arguments.get(0, "app")?,
            mounted("/admin", usize::MAX, "base_url"),
            made("sqladmin.Admin"),
        ),
        "nicegui.ui.run_with" => (
            arguments.get(0, "app")?,
            mounted("/", usize::MAX, "mount_path"),
            made("nicegui.ui"),
        ),
        _ if path.ends_with(".mount_to") && path.starts_with("starlette_admin.") => (
            arguments.get(0, "app")?,
            mounted("/admin", usize::MAX, "base_url"),
            made("starlette_admin.Admin"),
        ),
        _ if path.ends_with(".mount_app") && path.starts_with("fastapi_amis_admin.") => (
            arguments.get(0, "fastapi")?,
            mounted("/admin", usize::MAX, "path"),
            made("fastapi_amis_admin.AdminSite"),
        ),
        _ if path.ends_with(".expose")
            && path.starts_with("prometheus_fastapi_instrumentator.") =>
        {
            let app = arguments.get(0, "app")?.clone();
            metrics(interpreter, &app, arguments, spot);
            return Some(of.cloned().unwrap_or(Value::None));
        }
        _ => return None,
    };
    let app = app.clone();
    for target in app.alternatives() {
        let Value::Object(target) = target else {
            continue;
        };
        let added = Added::now(interpreter, spot);
        let mut at = at.clone();
        for text in &mut at.all {
            *text = text.trim_end_matches('/').into();
        }
        let mount = Mount {
            path: at,
            host: false,
            app: what.clone(),
            middleware: Vec::new(),
            added,
        };
        add_to(
            interpreter,
            target,
            Known::Mount,
            Framework::Mount(mount),
            spot,
        );
    }
    // What these give back is the application itself, or nothing that has routes.
    (path.ends_with("mount_gradio_app")).then_some(app)
}

/// The route of `prometheus_fastapi_instrumentator`.
fn metrics<'a>(
    interpreter: &mut Interpreter<'a>,
    app: &Value<'a>,
    arguments: &Arguments<'a>,
    spot: Spot,
) {
    for target in app.alternatives() {
        let Value::Object(target) = target else {
            continue;
        };
        let path = arguments
            .keyword("endpoint")
            .cloned()
            .unwrap_or_else(|| Value::text("/metrics"));
        let endpoint = Value::External(
            "prometheus_fastapi_instrumentator.Instrumentator.expose.<locals>.metrics".into(),
        );
        let route: Route<'a> = construct::http_route(
            interpreter,
            Known::Route,
            &Arguments {
                positional: vec![path, endpoint],
                ..Arguments::default()
            },
            spot,
        );
        add_to(
            interpreter,
            target,
            Known::Route,
            Framework::Route(route),
            spot,
        );
    }
}

fn add_to<'a>(
    interpreter: &mut Interpreter<'a>,
    target: &Rc<Object<'a>>,
    known: Known,
    entry: Framework<'a>,
    spot: Spot,
) {
    let Some(made) = construct::router_of(interpreter, target) else {
        return;
    };
    let Some(router) = made.router() else { return };
    push(
        &router.routes,
        Value::Object(object(known, entry, spot)),
        false,
    );
}
