//! What Python itself and its standard library bring along, as far as it decides which routes there are.

use std::rc::Rc;

use super::Interpreter;
use super::value::{Arguments, Spot, Value};

/// Builtins that are looked up often enough to be told from names that are not defined.
const BUILTINS: &[&str] = &[
    "BaseException",
    "Ellipsis",
    "Exception",
    "ImportError",
    "KeyError",
    "ModuleNotFoundError",
    "NotImplemented",
    "NotImplementedError",
    "PermissionError",
    "RuntimeError",
    "TimeoutError",
    "TypeError",
    "ValueError",
    "abs",
    "all",
    "any",
    "bool",
    "bytearray",
    "bytes",
    "callable",
    "classmethod",
    "complex",
    "dict",
    "dir",
    "enumerate",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "min",
    "next",
    "object",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
    "__import__",
    "delattr",
    "AttributeError",
    "IndexError",
    "LookupError",
    "OSError",
    "StopIteration",
    "UnicodeDecodeError",
    "ConnectionError",
    "FileNotFoundError",
    "KeyboardInterrupt",
    "ArithmeticError",
    "AssertionError",
    "InterruptedError",
    "NameError",
    "BaseExceptionGroup",
    "ExceptionGroup",
];

/// A range with more numbers than this is not a list of routes.
const LONGEST_RANGE: i64 = 4_096;

impl<'a> Interpreter<'a> {
    pub(super) fn builtin(name: &str) -> Value<'a> {
        if BUILTINS.contains(&name) {
            return Value::External(format!("builtins.{name}").into());
        }
        Value::unknown(format!("`{name}` is not defined in what was scanned"))
    }

    /// Calls something of Python's own; `None` if it is not known here.
    pub(super) fn call_builtin(
        &mut self,
        path: &str,
        arguments: &Arguments<'a>,
        spot: Spot,
    ) -> Option<Value<'a>> {
        if let Some(name) = path.strip_prefix("builtins.") {
            if let Some((owner, method)) = name.split_once('.') {
                return Some(self.call_method_of_builtin(owner, method, arguments, spot));
            }
            return self.call_builtin_function(name, arguments, spot);
        }
        let first = arguments.positional.first();
        match path {
            "os.getenv" | "os.environ.get" => {
                let default = arguments.get(1, "default").cloned().unwrap_or(Value::None);
                let name = first
                    .and_then(Value::as_str)
                    .unwrap_or("a variable")
                    .to_owned();
                Some(Self::configured(default, &name))
            }
            "asyncio.iscoroutinefunction" | "inspect.iscoroutinefunction" => match first? {
                Value::Function(function) => Some(Value::Bool(function.definition.is_async())),
                Value::Method(method) => Some(Value::Bool(method.function.definition.is_async())),
                _ => None,
            },
            "typing.cast" | "typing_extensions.cast" => arguments.positional.get(1).cloned(),
            "copy.copy" | "copy.deepcopy" => first.cloned(),
            "importlib.import_module" => Some(self.import_named(arguments, spot)),
            "pkgutil.iter_modules" => Some(self.modules_below(arguments, false)),
            "pkgutil.walk_packages" => Some(self.modules_below(arguments, true)),
            "itertools.chain" => Some(self.joined(&arguments.positional)),
            "itertools.chain.from_iterable" => {
                let (lists, _) = first.map(|first| self.items_of(first)).unwrap_or_default();
                Some(self.joined(&lists))
            }
            "collections.OrderedDict" | "collections.defaultdict" => {
                self.call_builtin_function("dict", &Arguments::default(), spot)
            }
            "inspect.getmembers" => match first {
                Some(Value::Class(class)) => {
                    let mut members = Vec::new();
                    for class in self.bases(&Rc::clone(class)).iter().rev() {
                        for (name, value) in class.scope.names.borrow().iter() {
                            let pair =
                                Value::list(vec![Value::Str(Rc::clone(name)), value.clone()]);
                            members.push((Rc::clone(name), pair));
                        }
                    }
                    members.sort_by(|one, other| one.0.cmp(&other.0));
                    Some(Value::list(
                        members.into_iter().map(|(_, pair)| pair).collect(),
                    ))
                }
                _ => None,
            },
            _ => None,
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "a list of what Python's functions give"
    )]
    fn call_builtin_function(
        &mut self,
        name: &str,
        arguments: &Arguments<'a>,
        spot: Spot,
    ) -> Option<Value<'a>> {
        let first = arguments.positional.first().cloned();
        Some(match name {
            "list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed" | "iter" => {
                match first {
                    Some(value) => {
                        let mut whole = self.joined(&[value]);
                        if name == "reversed"
                            && let Value::Sequence(sequence) = &mut whole
                        {
                            sequence.items.borrow_mut().reverse();
                        }
                        whole
                    }
                    None => Value::list(Vec::new()),
                }
            }
            "dict" => self.make_dict(arguments),
            "str" => match first {
                Some(value) => Value::Str(self.text_of(&value, spot)),
                None => Value::text(""),
            },
            "len" => {
                if let Some(Value::Str(text)) = &first
                    && !text.contains('<')
                {
                    return Some(Value::Int(i64::try_from(text.chars().count()).ok()?));
                }
                let (items, open) = self.items_of(&first?);
                match open {
                    None => Value::Int(i64::try_from(items.len()).ok()?),
                    Some(why) => Value::Unknown(why),
                }
            }
            "bool" => match first?.truth() {
                Some(truth) => Value::Bool(truth),
                None => Value::unknown("it depends on what is not known"),
            },
            "range" => {
                let ends: Vec<i64> = arguments
                    .positional
                    .iter()
                    .map(|value| match value {
                        Value::Int(number) => Some(*number),
                        _ => None,
                    })
                    .collect::<Option<_>>()?;
                let (start, end) = match ends[..] {
                    [end] => (0, end),
                    [start, end] => (start, end),
                    _ => return None,
                };
                if end.saturating_sub(start) > LONGEST_RANGE {
                    return None;
                }
                Value::list((start..end).map(Value::Int).collect())
            }
            "enumerate" => {
                let (items, open) = self.items_of(&first?);
                let pairs = items
                    .into_iter()
                    .zip(0..)
                    .map(|(item, at)| Value::list(vec![Value::Int(at), item]));
                Self::opened(pairs.collect(), open)
            }
            "zip" => {
                let mut lists = Vec::new();
                let mut open = None;
                for list in &arguments.positional {
                    let (items, why) = self.items_of(list);
                    lists.push(items);
                    open = open.or(why);
                }
                let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
                let rows = (0..shortest)
                    .map(|at| Value::list(lists.iter().map(|list| list[at].clone()).collect()));
                Self::opened(rows.collect(), open)
            }
            "map" => {
                let function = first?;
                let (items, open) = self.items_of(arguments.positional.get(1)?);
                let mut results = Vec::new();
                for item in items {
                    let one = Arguments {
                        positional: vec![item],
                        ..Arguments::default()
                    };
                    results.push(self.call(&function, one, spot));
                }
                Self::opened(results, open)
            }
            "filter" => {
                let (items, _) = self.items_of(arguments.positional.get(1)?);
                Self::opened(items, Some("some of them may be left out".into()))
            }
            "next" => {
                let (items, _) = self.items_of(&first?);
                items
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| Value::unknown("which is next is not known"))
            }
            "getattr" => {
                let owner = first?;
                let name = match arguments.positional.get(1).cloned() {
                    Some(Value::Str(name)) if !name.contains('<') => name,
                    _ => {
                        let unknown = || Value::unknown("which attribute is meant is not known");
                        return Some(crate::framework::some_method(&owner).unwrap_or_else(unknown));
                    }
                };
                let found = self.attribute(&owner, &name);
                match (found, arguments.positional.get(2)) {
                    (Value::Unknown(why), Some(default)) => {
                        Value::either([default.clone(), Value::Unknown(why)])
                    }
                    (found, _) => found,
                }
            }
            "setattr" => {
                if let [owner, Value::Str(name), value] = &arguments.positional[..] {
                    self.set_attribute(owner, name, value);
                }
                Value::None
            }
            "isinstance" => self.is_instance(&first?, arguments.positional.get(1)?),
            "callable" => match first? {
                Value::Function(_) | Value::Method(_) | Value::Class(_) | Value::Known(_) => {
                    Value::Bool(true)
                }
                Value::None | Value::Str(_) | Value::Int(_) | Value::Sequence(_) => {
                    Value::Bool(false)
                }
                _ => Value::unknown("whether it can be called is not known"),
            },
            "property" | "staticmethod" | "classmethod" => match first? {
                Value::Function(function) => {
                    let by = Value::External(format!("builtins.{name}").into());
                    function.decorators.borrow_mut().insert(0, by);
                    Value::Function(function)
                }
                other => other,
            },
            "print" | "delattr" => Value::None,
            "type" => match first? {
                Value::Object(object) => match &object.class {
                    Some(class) => Value::Class(Rc::clone(class)),
                    None => object
                        .known
                        .map_or_else(|| Value::unknown("its class is not known"), Value::Known),
                },
                _ => Value::unknown("its class is not known"),
            },
            _ => return None,
        })
    }

    fn is_instance(&mut self, value: &Value<'a>, class: &Value<'a>) -> Value<'a> {
        let (classes, _) = match class {
            Value::Sequence(_) | Value::Either(_) => self.items_of(class),
            other => (vec![other.clone()], None),
        };
        let classes = if classes.is_empty() {
            class.alternatives().to_vec()
        } else {
            classes
        };
        let mut known = true;
        for class in &classes {
            let is = match (value, class) {
                (Value::Str(_), Value::External(name)) => Some(&**name == "builtins.str"),
                (Value::Int(_), Value::External(name)) => Some(&**name == "builtins.int"),
                (Value::Bool(_), Value::External(name)) => {
                    Some(matches!(&**name, "builtins.bool" | "builtins.int"))
                }
                (Value::Dict(_), Value::External(name)) => Some(&**name == "builtins.dict"),
                (Value::Sequence(_), Value::External(name)) => match &**name {
                    "builtins.list" | "builtins.tuple" | "builtins.set" => None,
                    _ => Some(false),
                },
                (Value::None, _) => Some(false),
                (Value::Object(object), Value::Class(class)) => object
                    .class
                    .clone()
                    .map(|own| self.bases(&own).iter().any(|base| Rc::ptr_eq(base, class))),
                (Value::Object(object), Value::Known(known)) => {
                    Some(object.known.is_some_and(|own| own.is_a(*known)))
                }
                (Value::Object(object), Value::External(name)) if object.class.is_none() => {
                    crate::framework::known(name)
                        .map(|known| object.known.is_some_and(|own| own.is_a(known)))
                }
                _ => None,
            };
            match is {
                Some(true) => return Value::Bool(true),
                Some(false) => {}
                None => known = false,
            }
        }
        if known {
            Value::Bool(false)
        } else {
            Value::unknown("its class is not known")
        }
    }

    fn make_dict(&mut self, arguments: &Arguments<'a>) -> Value<'a> {
        let mut items: Vec<(Value<'a>, Value<'a>)> = Vec::new();
        let mut open = arguments.open.clone();
        match arguments.positional.first() {
            Some(Value::Dict(dict)) => items.extend(dict.items.borrow().iter().cloned()),
            Some(list) => {
                let (pairs, why) = self.items_of(list);
                open = open.or(why);
                for pair in pairs {
                    let (pair, _) = self.items_of(&pair);
                    if let [key, value] = &pair[..] {
                        items.push((key.clone(), value.clone()));
                    }
                }
            }
            None => {}
        }
        for (name, value) in &arguments.keywords {
            items.push((Value::Str(Rc::clone(name)), value.clone()));
        }
        Value::Dict(Rc::new(super::value::Dict {
            born: 0,
            items: std::cell::RefCell::new(items),
            open: std::cell::RefCell::new(open),
        }))
    }

    fn joined(&mut self, lists: &[Value<'a>]) -> Value<'a> {
        let mut items = Vec::new();
        let mut open = None;
        for list in lists {
            let (more, why) = self.items_of(list);
            items.extend(more);
            open = open.or(why);
        }
        Self::opened(items, open)
    }

    /// A list of which there may be more.
    pub(super) fn opened(items: Vec<Value<'a>>, open: Option<Rc<str>>) -> Value<'a> {
        Value::Sequence(Rc::new(super::value::Sequence {
            born: 0,
            items: std::cell::RefCell::new(items),
            open: std::cell::RefCell::new(open),
        }))
    }
}
