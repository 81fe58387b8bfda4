//! What the framework keeps in its objects.

use std::cell::RefCell;
use std::rc::Rc;

use sealgate_inventory::Kind;

use super::Known;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Names, Object, Sequence, Spot, Value};

/// What the framework keeps in an object of one of its classes.
pub(crate) enum Framework<'a> {
    Router(Router<'a>),
    Route(Route<'a>),
    Include(Include<'a>),
    Mount(Mount<'a>),
    Middleware(Rc<Middleware<'a>>),
    Static,
    PublicPath(PublicPath<'a>),
}

/// When, where and under what something was added.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub(crate) tick: u32,
    pub(crate) spot: Spot,
    /// What could not be decided, and has to hold for it to be there.
    pub(crate) conditions: Vec<Rc<str>>,
}

impl Added {
    pub(crate) fn now(interpreter: &mut Interpreter<'_>, spot: Spot) -> Self {
        Self {
            tick: interpreter.tick(),
            spot,
            conditions: interpreter.conditions.clone(),
        }
    }

    /// As something is that stands around everything.
    pub(crate) fn around(spot: Spot, conditions: Vec<Rc<str>>) -> Self {
        Self {
            tick: 0,
            spot,
            conditions,
        }
    }
}

/// An application or a router. Its lists are those that the source may change: `app.routes.append(...)`.
pub(crate) struct Router<'a> {
    pub(crate) prefix: RefCell<Value<'a>>,
    pub(crate) dependencies: RefCell<Value<'a>>,
    /// Objects that are a [`Route`], an [`Include`] or a [`Mount`], in the order in which they are tried.
    pub(crate) routes: RefCell<Value<'a>>,
    /// Objects that are a [`Middleware`], from the outermost to the innermost.
    pub(crate) middleware: RefCell<Value<'a>>,
    pub(crate) exception_handlers: RefCell<Vec<ExceptionHandler<'a>>>,
    /// The class of the routes to come, where it is not the usual one.
    pub(crate) route_class: RefCell<Option<Value<'a>>>,
    /// What is run with the application before it serves.
    pub(crate) lifespan: Option<Value<'a>>,
    /// Sealgate's gate, once it is installed.
    pub(crate) sealgate: RefCell<Option<Value<'a>>>,
    pub(crate) added: Added,
}

/// What answers an exception.
#[derive(Clone)]
pub(crate) struct ExceptionHandler<'a> {
    /// The class of the exception, or a status.
    pub(crate) exception: Value<'a>,
    pub(crate) handler: Value<'a>,
}

/// One endpoint below a path.
pub(crate) struct Route<'a> {
    pub(crate) kind: Kind,
    /// Whether FastAPI resolves dependencies for it. Starlette's own routes have none, wherever they stand.
    pub(crate) api: bool,
    pub(crate) path: RefCell<Texts>,
    /// The methods, in order. Empty: all of them.
    pub(crate) methods: Vec<Rc<str>>,
    pub(crate) endpoint: RefCell<Value<'a>>,
    /// The dependencies that its router had when the route was added.
    pub(crate) inherited: Inherited<'a>,
    pub(crate) dependencies: Vec<Value<'a>>,
    /// Its class, where the source has its own.
    pub(crate) class: Option<Value<'a>>,
    pub(crate) middleware: Vec<Value<'a>>,
    pub(crate) added: Added,
    /// Why it cannot be told what it does.
    pub(crate) unresolved: Option<Rc<str>>,
}

/// The dependencies of an application or router at some time.
#[derive(Clone, Default)]
pub(crate) struct Inherited<'a> {
    pub(crate) from_application: bool,
    pub(crate) dependencies: Vec<Value<'a>>,
}

/// A router inside another one.
pub(crate) struct Include<'a> {
    pub(crate) router: Value<'a>,
    pub(crate) prefix: Texts,
    pub(crate) inherited: Inherited<'a>,
    pub(crate) dependencies: Vec<Value<'a>>,
    pub(crate) added: Added,
}

/// An application below a path, or on a host.
pub(crate) struct Mount<'a> {
    pub(crate) path: Texts,
    pub(crate) host: bool,
    pub(crate) app: Value<'a>,
    pub(crate) middleware: Vec<Value<'a>>,
    pub(crate) added: Added,
}

/// A middleware and what it is made with.
#[derive(Clone)]
pub(crate) struct Middleware<'a> {
    /// The class, or the function of `@app.middleware("http")`.
    pub(crate) callee: Value<'a>,
    pub(crate) arguments: Arguments<'a>,
    /// Whether the callee is the `dispatch` of a middleware rather than its class.
    pub(crate) dispatch: bool,
    pub(crate) added: Added,
}

/// A path that `gate.public_path(...)` opened.
#[derive(Clone)]
pub(crate) struct PublicPath<'a> {
    pub(crate) gate: Option<Value<'a>>,
    pub(crate) path: Value<'a>,
    pub(crate) reason: Value<'a>,
}

/// The texts that a value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) all: Vec<Rc<str>>,
    /// Why it cannot be told at all.
    pub(crate) unknown: Option<Rc<str>>,
}

impl Texts {
    /// What `value` may be, or `<name>` where that cannot be told. Nothing and `None` are the empty text.
    pub(crate) fn of(value: Option<&Value<'_>>, name: &str) -> Self {
        let mut texts = Self {
            all: Vec::new(),
            unknown: None,
        };
        let alternatives = value.unwrap_or(&Value::None).alternatives();
        let some_known = alternatives
            .iter()
            .any(|value| matches!(value, Value::Str(_)));
        for value in alternatives {
            // A default that configuration may replace stands for all that it may be replaced by.
            if some_known && !matches!(value, Value::Str(_) | Value::None) {
                continue;
            }
            let text = match value {
                Value::None => "".into(),
                Value::Str(text) => Rc::clone(text),
                other => {
                    texts.unknown = Some(why(other, &format!("its {name}")));
                    format!("<{name}>").into()
                }
            };
            if !texts.all.contains(&text) {
                texts.all.push(text);
            }
        }
        texts
    }

    pub(crate) fn only(text: &str) -> Self {
        Self {
            all: vec![text.into()],
            unknown: None,
        }
    }

    /// Each of these with each of `rest` behind it.
    pub(crate) fn then(&self, rest: &Self) -> Self {
        let pairs = self
            .all
            .iter()
            .flat_map(|a| rest.all.iter().map(move |b| (a, b)));
        let mut all: Vec<Rc<str>> = Vec::new();
        for (a, b) in pairs.take(MOST_TEXTS) {
            let text: Rc<str> = if a.is_empty() {
                Rc::clone(b)
            } else {
                format!("{a}{b}").into()
            };
            if !all.contains(&text) {
                all.push(text);
            }
        }
        Self {
            all,
            unknown: rest.unknown.clone(),
        }
    }
}

/// A path that may be more different texts than this is not followed further.
const MOST_TEXTS: usize = 32;

/// Why `what` cannot be told, when it is `value`.
pub(crate) fn why(value: &Value<'_>, what: &str) -> Rc<str> {
    match value {
        // A reason that has been given already is not given twice.
        Value::Unknown(reason)
            if reason.contains("cannot be told") || reason.contains(" may have more items") =>
        {
            Rc::clone(reason)
        }
        Value::Unknown(reason) => format!("{what} cannot be told: {reason}").into(),
        Value::Parameter(parameter) => format!(
            "{what} is the parameter `{}` of a function that nothing calls",
            parameter.name
        )
        .into(),
        Value::External(path) => format!("{what} is `{path}`, which is not in the source").into(),
        Value::Made(made) => format!(
            "{what} comes from `{}`, which is not in the source",
            made.callee
        )
        .into(),
        _ => format!("{what} cannot be told").into(),
    }
}

/// The items of a list that may be given in several ways. What is only there in some is one of it and `None`,
/// and what cannot be told is an unknown item.
pub(crate) fn items<'a>(list: Option<&Value<'a>>, what: &str) -> Vec<Value<'a>> {
    let alternatives = list.map_or(&[][..], Value::alternatives);
    let mut all: Vec<Vec<Value<'a>>> = Vec::new();
    for alternative in alternatives {
        all.push(match alternative {
            Value::None => Vec::new(),
            Value::Sequence(sequence) => {
                let mut items = sequence.items.borrow().clone();
                if let Some(reason) = &*sequence.open.borrow() {
                    items.push(Value::unknown(format!(
                        "{what} may have more items: {reason}"
                    )));
                }
                items
            }
            Value::Dict(_) | Value::Str(_) => vec![Value::unknown(format!("{what} is no list"))],
            other => vec![Value::unknown(why(other, what))],
        });
    }
    let Some((first, others)) = all.split_first() else {
        return Vec::new();
    };
    if others.is_empty() {
        return first.clone();
    }
    let mut found: Vec<Value<'a>> = Vec::new();
    for value in all.iter().flatten() {
        let known = found
            .iter()
            .any(|known| known.alternatives()[0].same(value));
        if known {
            continue;
        }
        let sure = all
            .iter()
            .all(|items| items.iter().any(|item| item.same(value)));
        found.push(if sure {
            value.clone()
        } else {
            Value::either([value.clone(), Value::None])
        });
    }
    found
}

/// A list as the source may go on changing it. Several possible lists become one.
pub(crate) fn list<'a>(value: Option<&Value<'a>>, what: &str) -> Value<'a> {
    match value {
        Some(Value::Sequence(sequence)) => Value::Sequence(Rc::new(Sequence {
            born: 0,
            items: RefCell::new(sequence.items.borrow().clone()),
            open: RefCell::new(sequence.open.borrow().clone()),
        })),
        value => Value::list(items(value, what)),
    }
}

/// Puts `item` at the end of a list, or at its start.
pub(crate) fn push<'a>(list: &RefCell<Value<'a>>, item: Value<'a>, first: bool) {
    let current = list.borrow().clone();
    if let Value::Sequence(sequence) = current {
        let mut items = sequence.items.borrow_mut();
        let at = if first { 0 } else { items.len() };
        items.insert(at, item);
    } else {
        let mut items = items(Some(&current), "the list");
        let at = if first { 0 } else { items.len() };
        items.insert(at, item);
        *list.borrow_mut() = Value::list(items);
    }
}

/// An object that the framework makes itself.
pub(crate) fn object(known: Known, framework: Framework<'_>, spot: Spot) -> Rc<Object<'_>> {
    Rc::new(Object {
        class: None,
        known: Some(known),
        is_any: false,
        fields: RefCell::new(Names::default()),
        framework: RefCell::new(Some(Rc::new(framework))),
        spot,
        name: RefCell::new(None),
        maker: None,
    })
}

/// What the framework keeps in `object`, if it keeps anything.
pub(crate) fn framework<'a>(object: &Rc<Object<'a>>) -> Option<Rc<Framework<'a>>> {
    object.framework.borrow().clone()
}

impl<'a> Framework<'a> {
    pub(crate) fn router(&self) -> Option<&Router<'a>> {
        match self {
            Self::Router(router) => Some(router),
            _ => None,
        }
    }
}

impl<'a> Router<'a> {
    /// The dependencies that a route gets which is added now.
    pub(crate) fn inherited(&self, known: Option<Known>) -> Inherited<'a> {
        Inherited {
            from_application: known.is_some_and(Known::is_application),
            dependencies: items(
                Some(&self.dependencies.borrow()),
                "the dependencies of the router",
            ),
        }
    }
}
