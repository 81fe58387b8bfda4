//! Attributes.

use std::rc::Rc;

use super::Interpreter;
use super::value::{Arguments, Made, Object, Value};
use crate::framework;

impl<'a> Interpreter<'a> {
    /// The attribute `name` of `value`.
    pub(crate) fn attribute(&mut self, value: &Value<'a>, name: &str) -> Value<'a> {
        match value {
            Value::Module(module) if name == "__name__" => Value::text(self.sources.name(*module)),
            Value::Module(module) if name == "__path__" && self.sources.is_package(*module) => {
                Value::list(vec![value.clone()])
            }
            Value::Module(module) => self.imported(*module, *module, name),
            Value::External(path) => {
                let dotted = format!("{path}.{name}");
                match self.folders.get(path).copied() {
                    Some(from) => self.module_named(from, &dotted),
                    None => Value::External(dotted.into()),
                }
            }
            Value::Object(object) => self.attribute_of_object(object, name),
            Value::Class(class) => {
                if name == "__name__" {
                    return Value::text(class.definition.name.as_str());
                }
                if name == "__subclasses__" {
                    return Self::bound_builtin(value, "builtins.type.__subclasses__".to_owned());
                }
                if let Some(found) = self.find_in_class(class, name) {
                    return match &found {
                        Value::Function(function)
                            if Self::has_decorator(function, "builtins.classmethod") =>
                        {
                            Self::bound(value.clone(), function)
                        }
                        _ => found,
                    };
                }
                Value::unknown(format!(
                    "`{name}` of {} is not in the source",
                    class.qualname
                ))
            }
            Value::Super(of) => self.attribute_of_super(of, name),
            Value::Made(made) => self.attribute_of_made(value, made, name),
            Value::Str(_) | Value::Int(_) if name == "value" => value.clone(),
            Value::Str(_) => Self::bound_builtin(value, format!("builtins.str.{name}")),
            Value::Sequence(sequence) => super::discovery::part_of_module_info(sequence, name)
                .unwrap_or_else(|| Self::bound_builtin(value, format!("builtins.list.{name}"))),
            Value::Dict(_) => Self::bound_builtin(value, format!("builtins.dict.{name}")),
            Value::Function(function) => match name {
                "__name__" => match function.qualname.rsplit('.').next() {
                    Some(last) => Value::text(last),
                    None => Value::Str(Rc::clone(&function.qualname)),
                },
                "__wrapped__" => function
                    .wraps
                    .borrow()
                    .clone()
                    .unwrap_or_else(|| Value::unknown("it wraps nothing that is known")),
                _ => Value::unknown(format!("`{name}` of a function is not followed")),
            },
            Value::Method(method) => match name {
                "__self__" => method.receiver.clone(),
                "__func__" => Value::Function(Rc::clone(&method.function)),
                _ => self.attribute(&Value::Function(Rc::clone(&method.function)), name),
            },
            Value::Partial(partial) if name == "func" => partial.callee.clone(),
            Value::Annotated(annotated) => self.attribute(&annotated.base.clone(), name),
            Value::Wrapped(wrapped) => self.attribute(&wrapped.inner.clone(), name),
            Value::Either(several) => {
                let several = Rc::clone(several);
                let all: Vec<_> = several
                    .iter()
                    .filter(|one| !matches!(one, Value::None))
                    .map(|one| self.attribute(one, name))
                    .collect();
                Value::either(all)
            }
            Value::Known(_) => Value::unknown(format!(
                "`{name}` of a class of the framework is not followed"
            )),
            Value::Parameter(parameter) => {
                if let Some(annotation) = parameter.annotation.clone()
                    && let Some(Value::Object(any)) = self.any_of(&annotation)
                    && let Some(found) = self.attribute_of_any(&any, name)
                {
                    return found;
                }
                Value::unknown(format!(
                    "`{}.{name}` is handed in from outside",
                    parameter.name
                ))
            }
            Value::Unknown(why) => Value::Unknown(Rc::clone(why)),
            _ => Value::unknown(format!("`{name}` of it is not known")),
        }
    }

    fn attribute_of_object(&mut self, object: &Rc<Object<'a>>, name: &str) -> Value<'a> {
        let field = object.fields.borrow().get(name).cloned();
        if let Some(field) = field {
            return field;
        }
        if object.is_any
            && let Some(found) = self.attribute_of_any(object, name)
        {
            return match found {
                Value::Method(_) | Value::Function(_) | Value::Either(_) => found,
                other => Self::configured(other, name),
            };
        }
        if let Some(class) = object.class.clone()
            && let Some(found) = self.find_in_class(&class, name)
        {
            let configured = self.is_configuration(&class);
            return match (&found, configured) {
                (Value::Made(made), _)
                    if made.callee.ends_with(".Field") || made.callee.ends_with(".field") =>
                {
                    let default = made.arguments.get(0, "default").cloned();
                    let default = default.unwrap_or_else(|| Value::unknown("it has no default"));
                    Self::configured(default, name)
                }
                (found_here, _)
                    if found_here
                        .alternatives()
                        .iter()
                        .any(|one| matches!(one, Value::Function(_))) =>
                {
                    let receiver = Value::Object(Rc::clone(object));
                    self.bind_to(&receiver, &class, found)
                }
                (_, true) => Self::configured(found, name),
                _ => found,
            };
        }
        if object.known.is_some()
            && let Some(value) = framework::attribute(self, object, name)
        {
            return value;
        }
        if let Some(class) = object.class.clone() {
            if let Some(Value::Function(getter)) = self.find_in_class(&class, "__getattr__") {
                let arguments = Arguments {
                    positional: vec![Value::text(name)],
                    ..Arguments::default()
                };
                return self.run_function(
                    &getter,
                    Some(Value::Object(Rc::clone(object))),
                    arguments,
                );
            }
            return Value::unknown(format!("`{name}` of {} is set elsewhere", class.qualname));
        }
        Value::unknown(format!("`{name}` of it is not known"))
    }

    /// A default that configuration may replace.
    pub(super) fn configured(default: Value<'a>, name: &str) -> Value<'a> {
        match default {
            Value::Str(_) | Value::Int(_) | Value::Bool(_) | Value::None | Value::Sequence(_) => {
                let why = Value::unknown(format!("`{name}` is set by configuration"));
                Value::either([default, why])
            }
            other => other,
        }
    }

    fn attribute_of_made(
        &mut self,
        value: &Value<'a>,
        made: &Rc<Made<'a>>,
        name: &str,
    ) -> Value<'a> {
        let callee = if made.called {
            format!("{}().{name}", made.callee)
        } else {
            format!("{}.{name}", made.callee)
        };
        let of = if made.called {
            Some(value.clone())
        } else {
            made.of.clone()
        };
        Value::Made(Rc::new(Made {
            callee: callee.into(),
            called: false,
            of,
            arguments: Arguments::default(),
            spot: made.spot,
        }))
    }
}
