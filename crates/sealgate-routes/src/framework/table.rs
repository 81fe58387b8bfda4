//! The flat table of an application: its routes as a request meets them.

use std::rc::Rc;

use sealgate_inventory::{Kind, Placement};

use super::around::{as_middleware, middleware_of, unwrap};
use super::construct::router_of;
use super::data::{
    Framework, Include, Inherited, Middleware, Mount, Route, Router, Texts, framework, items, why,
};
use super::{Known, libraries, views};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Object, Spot, Value};

/// One way into an application, and what is on the way.
#[derive(Clone)]
pub(crate) struct FlatRoute<'a> {
    pub(crate) path: String,
    /// In order. Empty: all of them, or a WebSocket.
    pub(crate) methods: Vec<String>,
    pub(crate) kind: Kind,
    /// Whether FastAPI resolves dependencies for it.
    pub(crate) api: bool,
    pub(crate) endpoint: Value<'a>,
    /// What runs where the endpoint is a class of handlers: each of them, one for a method or two.
    pub(crate) handlers: Vec<Value<'a>>,
    /// Where it is written: the decorator, or the call that adds it.
    pub(crate) spot: Spot,
    /// The includes and mounts that lead to it, from the application on, in the source's own words.
    pub(crate) via: Vec<(Spot, String)>,
    /// The dependencies before it, from the outermost to the innermost.
    pub(crate) layers: Vec<Layer<'a>>,
    /// The middleware before it, from the outermost to the innermost, of all applications and mounts on the way.
    /// Their conditions are those that their application does not have itself.
    pub(crate) middleware: Vec<Rc<Middleware<'a>>>,
    /// The class of its route, where the source has its own.
    pub(crate) route_class: Option<Value<'a>>,
    /// What could not be decided, and has to hold for it to be there.
    pub(crate) conditions: Vec<Rc<str>>,
    /// Whether it was added to a router that had been included by then. Old versions of FastAPI do not serve it.
    pub(crate) late: bool,
    /// The applications and routers that were entered, the outermost first.
    pub(crate) apps: Vec<Rc<Object<'a>>>,
    /// Why it cannot be told what it does.
    pub(crate) unresolved: Option<Rc<str>>,
    /// Whether it is of what the same factory made with other arguments.
    pub(crate) of_twin: bool,
}

impl FlatRoute<'_> {
    /// Whether both are the same way into an application that was made in two ways. A path of which not everything
    /// is known is the same as the one that is known.
    pub(crate) fn same_way(&self, twin: &Self) -> bool {
        let both_docs = self.kind == Kind::Docs && twin.kind == Kind::Docs;
        (self.spot == twin.spot && same_path(&self.path, &twin.path)
            || both_docs && self.path == twin.path)
            && self.kind == twin.kind
            && self.methods == twin.methods
    }

    /// Takes over the path of the same route where it is known there and not here.
    pub(crate) fn learn_path(&mut self, twin: &Self) {
        if self.path.contains('<') && !twin.path.contains('<') {
            self.path.clone_from(&twin.path);
        }
    }
}

/// Whether two paths may be the same, where the beginning of one is not known.
fn same_path(one: &str, other: &str) -> bool {
    let known = |path: &str| path.rfind('>').map(|at| path[at + 1..].to_owned());
    one == other
        || known(one).is_some_and(|rest| other.ends_with(&rest))
        || known(other).is_some_and(|rest| one.ends_with(&rest))
}

/// Dependencies that stand at one place.
#[derive(Clone)]
pub(crate) struct Layer<'a> {
    pub(crate) placement: Placement,
    pub(crate) dependencies: Vec<Value<'a>>,
}

/// The routes of `app` in the order in which they are tried.
pub(crate) fn flatten<'a>(
    interpreter: &mut Interpreter<'a>,
    app: &Rc<Object<'a>>,
) -> Vec<FlatRoute<'a>> {
    let mut walk = Walk {
        interpreter,
        found: Vec::new(),
        last: Vec::new(),
    };
    let here = Here {
        prefix: Texts::only(""),
        via: Vec::new(),
        layers: Vec::new(),
        middleware: Vec::new(),
        conditions: Vec::new(),
        included_at: None,
        late: false,
        apps: Vec::new(),
        entered: Vec::new(),
    };
    walk.application(app, &here);
    walk.found
}

/// Routers inside routers are not followed further down than this.
const DEEPEST: usize = 32;

/// More routes than this are not looked at.
const MOST_ROUTES: usize = 50_000;

struct Walk<'i, 'a> {
    interpreter: &'i mut Interpreter<'a>,
    found: Vec<FlatRoute<'a>>,
    /// What the current application tries after everything else.
    last: Vec<FlatRoute<'a>>,
}

/// What is on the way to where the walk is.
#[derive(Clone)]
struct Here<'a> {
    prefix: Texts,
    via: Vec<(Spot, String)>,
    layers: Vec<Layer<'a>>,
    middleware: Vec<Rc<Middleware<'a>>>,
    conditions: Vec<Rc<str>>,
    /// When the first include on the way was made.
    included_at: Option<u32>,
    late: bool,
    apps: Vec<Rc<Object<'a>>>,
    /// The routers that the walk is in, so that it ends.
    entered: Vec<Rc<Object<'a>>>,
}

impl<'a> Here<'a> {
    fn inherit(&mut self, inherited: &Inherited<'a>) {
        let placement = if inherited.from_application {
            Placement::App
        } else {
            Placement::Router
        };
        self.layer(placement, &inherited.dependencies);
    }

    fn layer(&mut self, placement: Placement, dependencies: &[Value<'a>]) {
        if !dependencies.is_empty() {
            self.layers.push(Layer {
                placement,
                dependencies: dependencies.to_vec(),
            });
        }
    }

    fn under(&mut self, conditions: &[Rc<str>]) {
        for condition in conditions {
            if !self.conditions.contains(condition) {
                self.conditions.push(Rc::clone(condition));
            }
        }
    }
}

impl<'a> Walk<'_, 'a> {
    /// An application, or a router that is served like one, with its own middleware.
    fn application(&mut self, app: &Rc<Object<'a>>, here: &Here<'a>) {
        let Some(made) = router_of(self.interpreter, app) else {
            return;
        };
        let Some(router) = made.router() else { return };
        let mut inside = here.clone();
        inside.apps.push(Rc::clone(app));
        inside.middleware.extend(middleware_of(router));
        inside.layers.clear();
        inside.included_at = None;
        let outer_last = std::mem::take(&mut self.last);
        let first = self.found.len();
        self.router(app, router, &inside);
        let last = std::mem::replace(&mut self.last, outer_last);
        self.found.extend(last);
        // What the application itself stands under is no condition of its routes.
        for route in &mut self.found[first..] {
            route
                .conditions
                .retain(|condition| !router.added.conditions.contains(condition));
        }
    }

    fn router(&mut self, object: &Rc<Object<'a>>, router: &Router<'a>, here: &Here<'a>) {
        if here.entered.len() > DEEPEST
            || here.entered.iter().any(|known| Rc::ptr_eq(known, object))
        {
            return;
        }
        let mut inside = here.clone();
        inside.entered.push(Rc::clone(object));
        for item in items(Some(&router.routes.borrow()), "the list of routes") {
            for item in item.alternatives() {
                self.entry(object, item, &inside);
            }
        }
    }

    fn entry(&mut self, within: &Rc<Object<'a>>, item: &Value<'a>, here: &Here<'a>) {
        if self.found.len() > MOST_ROUTES {
            return;
        }
        let made = match item {
            Value::None => return,
            Value::Object(object) => framework(object),
            _ => None,
        };
        match made.as_deref() {
            Some(Framework::Route(route)) => self.route(route, here),
            Some(Framework::Include(include)) => self.include(include, here),
            Some(Framework::Mount(mount)) => self.mount(mount, here),
            _ => self.unknown(
                within.spot,
                here,
                &why(item, "what is in its list of routes"),
                item,
            ),
        }
    }

    /// Routes that nothing is known of.
    fn unknown(&mut self, spot: Spot, here: &Here<'a>, reason: &Rc<str>, endpoint: &Value<'a>) {
        let known = match endpoint {
            Value::Made(made) => libraries::routes_of(made),
            _ => &[],
        };
        let every = [("", "/*")];
        for (method, path) in if known.is_empty() { &every[..] } else { known } {
            for path in &here.prefix.then(&Texts::only(path)).all {
                let mut route = Self::flat(here, Kind::Http, path, spot, endpoint.clone());
                if !method.is_empty() {
                    route.methods.push((*method).to_owned());
                }
                route.unresolved = Some(Rc::clone(reason));
                self.found.push(route);
            }
        }
    }

    fn flat(
        here: &Here<'a>,
        kind: Kind,
        path: &str,
        spot: Spot,
        endpoint: Value<'a>,
    ) -> FlatRoute<'a> {
        FlatRoute {
            path: path.to_owned(),
            methods: Vec::new(),
            kind,
            api: false,
            endpoint,
            handlers: Vec::new(),
            spot,
            via: here.via.clone(),
            layers: here.layers.clone(),
            middleware: here.middleware.clone(),
            route_class: None,
            conditions: here.conditions.clone(),
            late: here.late,
            apps: here.apps.clone(),
            unresolved: None,
            of_twin: false,
        }
    }

    fn route(&mut self, route: &Route<'a>, here: &Here<'a>) {
        let spot = route.added.spot;
        let mut at = here.clone();
        at.under(&route.added.conditions);
        at.late |= at
            .included_at
            .is_some_and(|included| route.added.tick > included);
        let endpoint = route.endpoint.borrow().clone();
        if route.api {
            at.inherit(&route.inherited);
            at.layer(Placement::Route, &route.dependencies);
            let mut view = Vec::new();
            for endpoint in endpoint.alternatives() {
                view.extend(views::dependencies_of_view(
                    self.interpreter,
                    endpoint,
                    spot,
                ));
            }
            at.layer(Placement::Dependency, &view);
        } else {
            // Starlette's own routes know nothing of dependencies.
            at.layers.clear();
        }
        for item in &route.middleware {
            at.middleware.push(as_middleware(item, &route.added));
        }
        let methods: Vec<String> = route.methods.iter().map(ToString::to_string).collect();
        let mut handlers = Vec::new();
        if !route.api
            && route.kind == Kind::Http
            && views::is_http_endpoint(self.interpreter, &endpoint)
        {
            let all = views::handlers(self.interpreter, &endpoint);
            let taken = all
                .into_iter()
                .filter(|(name, _)| methods.iter().any(|method| **method == **name));
            handlers.extend(taken.map(|(_, handler)| handler));
        }
        let paths = at.prefix.then(&route.path.borrow());
        for path in &paths.all {
            let mut flat = Self::flat(&at, route.kind, path, spot, endpoint.clone());
            flat.api = route.api;
            flat.methods.clone_from(&methods);
            flat.handlers.clone_from(&handlers);
            flat.route_class.clone_from(&route.class);
            flat.unresolved.clone_from(&route.unresolved);
            if route.kind == Kind::Frontend {
                self.last.push(flat);
            } else {
                self.found.push(flat);
            }
        }
    }

    fn include(&mut self, include: &Include<'a>, here: &Here<'a>) {
        let mut at = here.clone();
        let added = &include.added;
        at.under(&added.conditions);
        at.late |= at.included_at.is_some_and(|included| added.tick > included);
        at.included_at = Some(
            at.included_at
                .map_or(added.tick, |included| included.min(added.tick)),
        );
        at.prefix = here.prefix.then(&include.prefix);
        at.via
            .push((added.spot, self.interpreter.source_of(added.spot)));
        at.inherit(&include.inherited);
        at.layer(Placement::Include, &include.dependencies);
        for router in include.router.alternatives() {
            match router {
                Value::None => {}
                Value::Object(object) if object.known.is_some_and(Known::is_router) => {
                    if let Some(made) = router_of(self.interpreter, object)
                        && let Some(router) = made.router()
                    {
                        self.router(object, router, &at);
                    }
                }
                other => {
                    let reason = match other {
                        Value::Made(made) => {
                            format!("the routes of `{}` are not in the source", made.callee).into()
                        }
                        Value::External(path) => {
                            format!("the routes of `{path}` are not in the source").into()
                        }
                        other => why(other, "the router that is included"),
                    };
                    self.unknown(added.spot, &at, &reason, other);
                }
            }
        }
    }

    fn mount(&mut self, mount: &Mount<'a>, here: &Here<'a>) {
        let mut at = here.clone();
        let added = &mount.added;
        at.under(&added.conditions);
        at.late |= at.included_at.is_some_and(|included| added.tick > included);
        at.via
            .push((added.spot, self.interpreter.source_of(added.spot)));
        // Dependencies of what is around do not reach into it.
        at.layers.clear();
        if !mount.host {
            at.prefix = here.prefix.then(&mount.path);
        }
        for item in &mount.middleware {
            at.middleware.push(as_middleware(item, added));
        }
        for app in mount.app.alternatives() {
            let mut inside = at.clone();
            let app = unwrap(app, added, &mut inside.middleware, 0);
            let object = match &app {
                Value::None => continue,
                Value::Object(object) => Some(object),
                _ => None,
            };
            if let Some(object) = object
                && object.known.is_some_and(Known::is_router)
            {
                self.application(object, &inside);
                continue;
            }
            let files = object.is_some_and(|object| object.known == Some(Known::StaticFiles));
            let reason: Rc<str> = match &app {
                Value::Made(made) => {
                    format!("what `{}` serves is not in the source", made.callee).into()
                }
                Value::External(path) => {
                    format!("what `{path}` serves is not in the source").into()
                }
                Value::Unknown(_) | Value::Parameter(_) => {
                    why(&app, "the application that is mounted")
                }
                _ => "what the mounted application serves is not followed".into(),
            };
            for path in &inside.prefix.all {
                let kind = if files { Kind::Static } else { Kind::Mount };
                let mut flat = Self::flat(&inside, kind, path, added.spot, app.clone());
                flat.unresolved = (!files).then(|| Rc::clone(&reason));
                self.found.push(flat);
            }
        }
    }
}
