//! Functions and classes that make applications or routers when somebody outside of the source calls them:
//! a server that is told `main:create_app`, a plug-in that is handed an application.

use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Interpreter;
use super::value::{Arguments, Class, Definition, Function, Spot, Value};

impl<'a> Interpreter<'a> {
    /// Runs what may be a factory and was not run.
    pub(super) fn run_factories(&mut self) {
        let defined = std::mem::take(&mut self.defined);
        let mut all: Vec<(Value<'a>, Mentions<'a>)> = defined
            .into_iter()
            .filter_map(|value| Mentions::of(&value).map(|mentions| (value, mentions)))
            .collect();
        // First what makes something itself, with the arguments that it has by default.
        self.run_outermost(&all);
        self.find_callers(&mut all);
        self.run_outermost(&all);
        // Modules that were imported meanwhile may have more.
        if !self.defined.is_empty() && self.step() {
            self.run_factories();
        }
    }

    /// Runs those that make something and were not run: first those that no other one mentions.
    fn run_outermost(&mut self, all: &[(Value<'a>, Mentions<'a>)]) {
        let waiting: Vec<_> = all.iter().filter(|(_, mentions)| mentions.makes).collect();
        let mentioned: FxHashSet<&str> = waiting
            .iter()
            .flat_map(|(_, mentions)| mentions.names.iter().copied())
            .collect();
        let (inner, outer): (Vec<&Value<'a>>, Vec<&Value<'a>>) = waiting
            .iter()
            .map(|(value, _)| value)
            .partition(|value| own_name(value).is_some_and(|name| mentioned.contains(name)));
        for value in outer.into_iter().chain(inner) {
            match value {
                Value::Function(function) if !self.used.contains(&self.spot_of(function)) => {
                    let made = self.run_function(function, None, Arguments::default());
                    self.returned.push(made);
                }
                Value::Class(class) => self.run_class(class),
                _ => {}
            }
        }
    }

    /// Counts functions that call a factory among those that make something: `main()` may call one with arguments of
    /// its own. A name that several things have says nothing of which of them is called.
    fn find_callers(&mut self, all: &mut [(Value<'a>, Mentions<'a>)]) {
        let mut times: FxHashMap<&str, usize> = FxHashMap::default();
        for name in all.iter().filter_map(|(value, _)| own_name(value)) {
            *times.entry(name).or_default() += 1;
        }
        let factories: FxHashSet<Rc<str>> = all
            .iter()
            .filter(|(_, mentions)| mentions.constructs)
            .filter_map(|(value, _)| own_name(value))
            .filter(|name| times.get(name) == Some(&1))
            .map(Rc::from)
            .collect();
        for (_, mentions) in &mut *all {
            mentions.makes |= mentions.calls.iter().any(|name| factories.contains(*name));
        }
    }

    /// What modules have names for and factories return, with the names: what a server may be told to serve.
    pub(crate) fn outermost(&mut self) -> Vec<(Option<String>, Value<'a>)> {
        let mut modules: Vec<_> = self.candidates.iter().copied().collect();
        modules.sort();
        let mut all = Vec::new();
        for module in modules {
            let scope = self.module_scope(module);
            let mut named: Vec<_> = scope.names.borrow().clone().into_iter().collect();
            named.retain(|(_, value)| {
                value
                    .alternatives()
                    .iter()
                    .any(|one| matches!(one, Value::Object(_)))
            });
            named.sort_by(|one, other| one.0.cmp(&other.0));
            let module = self.sources.name(module);
            all.extend(
                named
                    .into_iter()
                    .map(|(name, value)| (Some(format!("{module}:{name}")), value)),
            );
        }
        all.extend(self.returned.iter().map(|value| (None, value.clone())));
        all
    }

    /// Makes an instance of a class that nobody made one of, and calls its methods that add routes.
    fn run_class(&mut self, class: &Rc<Class<'a>>) {
        let spot = Spot::new(class.module, class.definition.range);
        if self.used.contains(&spot) {
            return;
        }
        let instance = self.instantiate(class, Arguments::default(), spot);
        let methods: Vec<Rc<Function<'a>>> = class
            .definition
            .body
            .iter()
            .filter_map(|statement| match statement {
                Stmt::FunctionDef(def) => match class.scope.names.borrow().get(def.name.as_str()) {
                    Some(Value::Function(function)) => Some(Rc::clone(function)),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        for method in methods {
            let makes = Mentions::of(&Value::Function(Rc::clone(&method)))
                .is_some_and(|mentions| mentions.makes);
            if makes && !self.used.contains(&self.spot_of(&method)) {
                let bound = self.bind_to(&instance, class, Value::Function(method));
                self.call(&bound, Arguments::default(), spot);
            }
        }
    }
}

fn own_name<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Function(function) => function.qualname.rsplit('.').next(),
        Value::Class(class) => class.qualname.rsplit('.').next(),
        _ => None,
    }
}

/// What the body of a function or class speaks of.
struct Mentions<'a> {
    /// Whether it makes an application or router, or adds to one.
    makes: bool,
    /// Whether it makes one itself.
    constructs: bool,
    names: FxHashSet<&'a str>,
    /// The names of the functions that it calls.
    calls: FxHashSet<&'a str>,
}

impl<'a> Mentions<'a> {
    fn of(value: &Value<'a>) -> Option<Self> {
        let mut mentions = Self {
            makes: false,
            constructs: false,
            names: FxHashSet::default(),
            calls: FxHashSet::default(),
        };
        match value {
            Value::Function(function) => match function.definition {
                Definition::Function(def) => mentions.visit_body(&def.body),
                Definition::Lambda(_) => return None,
            },
            Value::Class(class) => mentions.visit_body(&class.definition.body),
            _ => return None,
        }
        Some(mentions)
    }
}

impl<'a> Visitor<'a> for Mentions<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::FunctionDef(def) = statement {
            for decorator in &def.decorator_list {
                if let Expr::Call(call) = &decorator.expression
                    && let Expr::Attribute(attribute) = &*call.func
                {
                    self.makes |= ROUTE_DECORATORS.contains(&attribute.attr.as_str());
                }
            }
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => {
                self.names.insert(name.id.as_str());
            }
            Expr::Attribute(attribute) => {
                self.names.insert(attribute.attr.as_str());
            }
            Expr::Call(call) => {
                let name = match &*call.func {
                    Expr::Name(name) => {
                        self.calls.insert(name.id.as_str());
                        name.id.as_str()
                    }
                    Expr::Attribute(attribute) => attribute.attr.as_str(),
                    _ => "",
                };
                self.makes |= MAKERS.contains(&name);
                self.constructs |= matches!(name, "FastAPI" | "Starlette");
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// Calls that make an application or router, or add to one.
const MAKERS: &[&str] = &[
    "FastAPI",
    "APIRouter",
    "Starlette",
    "Router",
    "include_router",
    "add_api_route",
    "add_route",
    "add_websocket_route",
    "add_api_websocket_route",
    "add_middleware",
    "Mount",
    "Route",
    "WebSocketRoute",
    "mount",
];

const ROUTE_DECORATORS: &[&str] = &[
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "options",
    "head",
    "trace",
    "api_route",
    "route",
    "websocket",
    "websocket_route",
    "middleware",
];
