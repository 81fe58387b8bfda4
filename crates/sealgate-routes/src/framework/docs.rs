//! FastAPI's documentation pages.

use std::cell::RefCell;
use std::rc::Rc;

use sealgate_inventory::Kind;

use super::Known;
use super::data::{Added, Framework, Inherited, Route, Texts, framework, object, push};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Object, Spot, Value};

/// FastAPI's own routes, which it adds after those it was given.
pub(crate) fn add<'a>(
    interpreter: &mut Interpreter<'a>,
    app: &Rc<Object<'a>>,
    arguments: &Arguments<'a>,
    spot: Spot,
) {
    let Some(made) = framework(app) else { return };
    let Some(router) = made.router() else { return };
    let url = |name: &str, default: &str| match arguments.keyword(name) {
        None => Texts::only(default),
        Some(value) => Texts::of(Some(value), name),
    };
    let openapi = url("openapi_url", "/openapi.json");
    let docs = url("docs_url", "/docs");
    let redirect = url("swagger_ui_oauth2_redirect_url", "/docs/oauth2-redirect");
    let redoc = url("redoc_url", "/redoc");
    let served = |texts: &Texts| texts.all.iter().any(|text| !text.is_empty());
    if !served(&openapi) {
        return;
    }
    let redirect = if served(&docs) {
        redirect
    } else {
        Texts::only("")
    };
    let mut pages = vec![
        (openapi, "openapi"),
        (docs, "swagger_ui_html"),
        (redirect, "swagger_ui_redirect"),
        (redoc, "redoc_html"),
    ];
    if app.known == Some(Known::Cadwyn) {
        pages.push((url("changelog_url", "/changelog"), "changelog"));
    }
    for (mut path, name) in pages {
        path.all.retain(|text| !text.is_empty());
        if path.all.is_empty() {
            continue;
        }
        let route = Route {
            kind: Kind::Docs,
            api: false,
            path: RefCell::new(path),
            methods: vec!["GET".into(), "HEAD".into()],
            endpoint: RefCell::new(Value::External(
                format!("fastapi.applications:FastAPI.setup.<locals>.{name}").into(),
            )),
            inherited: Inherited::default(),
            dependencies: Vec::new(),
            class: None,
            middleware: Vec::new(),
            added: Added::now(interpreter, spot),
            unresolved: None,
        };
        let route = object(Known::Route, Framework::Route(route), spot);
        push(&router.routes, Value::Object(route), false);
    }
}
