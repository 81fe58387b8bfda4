//! What a callable of a running application was made with, put into what its source stands for.
//!
//! A running application tells of each value only what decides anything. The rest stays unknown.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::evaluate::Interpreter;
use crate::evaluate::value::{Function, Method, Names, Object, ScopeData, ScopeKind, Spot, Value};

/// What is held by a callable of which some arguments are fixed.
pub(crate) const PARTIAL: &str = "functools.partial";

/// What is held by a callable that was put around another one, and has its name.
pub(crate) const WRAPS: &str = "functools.wraps";

/// Whether something was put around `value`, by its source.
pub(crate) fn is_wrapped(value: &Value<'_>) -> bool {
    match value {
        Value::Wrapped(_) => true,
        Value::Function(function) => {
            function.wraps.borrow().is_some() || !function.decorators.borrow().is_empty()
        }
        _ => false,
    }
}

/// The field by which an object is known whose fields are those of a running application. No attribute has this name.
const RUNS: &str = "<runs>";

/// Whether what this field has decides what the object does. By its source it does only where that is plain: what is
/// nothing at first may be set up later.
pub(crate) fn decides(object: &Object<'_>, field: &str) -> bool {
    let fields = object.fields.borrow();
    match fields.get(field) {
        Some(Value::Bool(_)) => !object.is_any,
        Some(_) => fields.contains_key(RUNS),
        None => false,
    }
}

/// `value` with what it holds: an object with its fields, a function with its free variables, and a function of
/// `class` as a method of such an object.
pub(crate) fn holding<'a>(
    interpreter: &mut Interpreter<'a>,
    value: Value<'a>,
    class: Option<&Value<'a>>,
    held: &BTreeMap<String, String>,
) -> Value<'a> {
    if held.is_empty() || held.contains_key(PARTIAL) || held.contains_key(WRAPS) {
        return value;
    }
    match value {
        Value::Object(any) => object(&any, held),
        Value::Function(function) => {
            let receiver = match class {
                Some(class @ Value::Class(_)) => interpreter.any_of(class),
                _ => None,
            };
            if let Some(Value::Object(any)) = receiver {
                let receiver = object(&any, held);
                return Value::Method(Rc::new(Method { receiver, function }));
            }
            closed_over(&function, held)
        }
        value => value,
    }
}

fn object<'a>(any: &Rc<Object<'a>>, held: &BTreeMap<String, String>) -> Value<'a> {
    Value::Object(Rc::new(Object {
        class: any.class.clone(),
        known: any.known,
        fields: RefCell::new(fields(held, "", any.spot)),
        framework: RefCell::default(),
        spot: any.spot,
        name: RefCell::default(),
        is_any: false,
        maker: None,
    }))
}

fn closed_over<'a>(function: &Rc<Function<'a>>, held: &BTreeMap<String, String>) -> Value<'a> {
    let around = &function.scope;
    let spot = Spot {
        module: function.module,
        range: (0, 0),
    };
    let scope = Rc::new(ScopeData {
        kind: ScopeKind::Function,
        module: function.module,
        names: RefCell::new(fields(held, "", spot)),
        parent: Some(Rc::clone(around)),
        elsewhere: RefCell::default(),
        function: around.function.clone(),
    });
    Value::Function(Rc::new(Function {
        module: function.module,
        definition: function.definition,
        qualname: Rc::clone(&function.qualname),
        scope,
        defaults: function.defaults.clone(),
        decorators: function.decorators.clone(),
        owner: function.owner.clone(),
        wraps: function.wraps.clone(),
    }))
}

/// The names below `prefix`, and what they stand for.
fn fields<'a>(held: &BTreeMap<String, String>, prefix: &str, spot: Spot) -> Names<'a> {
    let mut names = Names::default();
    names.insert(RUNS.into(), Value::Bool(true));
    for (name, what) in held {
        let Some(rest) = name.strip_prefix(prefix) else {
            continue;
        };
        match rest.split_once('.') {
            None => {
                names.insert(rest.into(), told(rest, what));
            }
            Some((first, _)) if !names.contains_key(first) => {
                let inside = fields(held, &format!("{prefix}{first}."), spot);
                let object = Object {
                    class: None,
                    known: None,
                    fields: RefCell::new(inside),
                    framework: RefCell::default(),
                    spot,
                    name: RefCell::default(),
                    is_any: false,
                    maker: None,
                };
                names.insert(first.into(), Value::Object(Rc::new(object)));
            }
            Some(_) => {}
        }
    }
    names
}

fn told<'a>(name: &str, what: &str) -> Value<'a> {
    let unknown = || Value::unknown(format!("`{name}` has a value that is not told"));
    match what {
        "none" => Value::None,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "empty" => Value::list(Vec::new()),
        "items" => Value::list(vec![unknown()]),
        _ => unknown(),
    }
}
