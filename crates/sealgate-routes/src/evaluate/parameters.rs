//! Parameters: binding arguments to them, and showing them as FastAPI sees them.

use std::cell::RefCell;
use std::rc::Rc;

use ruff_python_ast::Expr;

use super::Interpreter;
use super::value::{Arguments, Dict, Function, Parameter, Scope, Sequence, Value};

/// A parameter of a callable, as FastAPI sees it.
pub(crate) struct ParameterOf<'a> {
    pub(crate) name: Rc<str>,
    /// What its annotation stands for, if it has one.
    pub(crate) annotation: Option<Value<'a>>,
    /// Its default, if it has one.
    pub(crate) default: Option<Value<'a>>,
}

impl<'a> Interpreter<'a> {
    /// The parameters of a callable without `self`, seen through partials, `functools.wraps` and instances with
    /// `__call__`; an error says why they cannot be told.
    pub(crate) fn parameters(
        &mut self,
        callable: &Value<'a>,
    ) -> Result<Vec<ParameterOf<'a>>, Rc<str>> {
        match callable {
            Value::Function(function) => self.parameters_of(function, false),
            Value::Method(method) => {
                let function = Rc::clone(&method.function);
                self.parameters_of(&function, true)
            }
            Value::Partial(partial) => {
                let mut all = self.parameters(&partial.callee)?;
                let given = partial.arguments.positional.len().min(all.len());
                all.drain(..given);
                all.retain(|parameter| partial.arguments.keyword(&parameter.name).is_none());
                Ok(all)
            }
            Value::Wrapped(wrapped) => self.parameters(&wrapped.inner),
            Value::Object(object) => match self.attribute_of_class(object, "__call__") {
                Some(method) => self.parameters(&method),
                None => Err("what it does when it is called is not in the source".into()),
            },
            Value::Class(class) => match self.find_in_class(class, "__init__") {
                Some(Value::Function(init)) => self.parameters_of(&init, true),
                _ => self.fields_as_parameters(class),
            },
            Value::Annotated(annotated) => self.parameters(&annotated.base),
            Value::Either(several) => {
                let mut found = None;
                for one in several.iter().filter(|one| !matches!(one, Value::None)) {
                    if let Ok(parameters) = self.parameters(one) {
                        found.get_or_insert(parameters);
                    }
                }
                found.ok_or_else(|| "it may be one of several things".into())
            }
            Value::External(path) => Err(format!("{path} is not in the source").into()),
            Value::Made(made) => {
                Err(format!("what {}() makes is not in the source", made.callee).into())
            }
            Value::Unknown(why) => Err(Rc::clone(why)),
            Value::Parameter(parameter) => {
                Err(format!("`{}` is handed in from outside", parameter.name).into())
            }
            _ => Err("what it takes is not known".into()),
        }
    }

    fn parameters_of(
        &mut self,
        function: &Rc<Function<'a>>,
        bound: bool,
    ) -> Result<Vec<ParameterOf<'a>>, Rc<str>> {
        let wrapped = function.wraps.borrow().clone();
        if let Some(wrapped) = wrapped
            && !matches!(&wrapped, Value::Function(inner) if Rc::ptr_eq(inner, function))
        {
            return match &wrapped {
                Value::Function(inner) => self.parameters_of(&Rc::clone(inner), bound),
                other => self.parameters(other),
            };
        }
        let Some(parameters) = function.definition.parameters() else {
            return Ok(Vec::new());
        };
        let is_static = Self::has_decorator(function, "builtins.staticmethod");
        let skipped = usize::from(bound && !is_static);
        let mut all = Vec::new();
        for parameter in parameters.iter_non_variadic_params().skip(skipped) {
            let name: Rc<str> = parameter.parameter.name.as_str().into();
            let annotation = parameter.parameter.annotation.as_deref();
            let annotation =
                annotation.map(|annotation| self.annotation(annotation, &function.scope));
            let default = function.defaults.iter().find(|(known, _)| *known == name);
            all.push(ParameterOf {
                annotation,
                default: default.map(|(_, value)| value.clone()),
                name,
            });
        }
        Ok(all)
    }

    /// What an annotation stands for; one that is written as a text is read as the name in it.
    pub(crate) fn annotation(&mut self, annotation: &'a Expr, scope: &Scope<'a>) -> Value<'a> {
        let Expr::StringLiteral(text) = annotation else {
            return self.evaluate(annotation, scope);
        };
        let mut names = text.value.to_str().split('.');
        let plain = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        let first = names.next().filter(|name| plain(name.trim()));
        let Some(first) = first else {
            return Value::unknown("its annotation is a text");
        };
        let mut value = self.lookup(scope, first.trim());
        for name in names {
            if !plain(name) {
                return Value::unknown("its annotation is a text");
            }
            value = self.attribute(&value, name);
        }
        value
    }

    pub(super) fn has_decorator(function: &Function<'a>, path: &str) -> bool {
        let decorators = function.decorators.borrow();
        decorators
            .iter()
            .any(|by| matches!(by, Value::External(name) if &**name == path))
    }

    /// Parameters of a function that is looked at without being called.
    pub(super) fn bind_parameters_unknown(
        &mut self,
        function: &Rc<Function<'a>>,
        receiver: Option<&Value<'a>>,
        scope: &Scope<'a>,
    ) {
        let Some(parameters) = function.definition.parameters() else {
            return;
        };
        let mut receiver = receiver.cloned();
        for (at, parameter) in parameters.iter().enumerate() {
            let name: Rc<str> = parameter.name().as_str().into();
            let value = match receiver.take() {
                Some(receiver) if at == 0 => receiver,
                _ => {
                    let annotation = parameter.annotation();
                    let annotation =
                        annotation.map(|annotation| self.annotation(annotation, &function.scope));
                    Value::Parameter(Rc::new(Parameter {
                        name: Rc::clone(&name),
                        function: Rc::clone(function),
                        annotation,
                    }))
                }
            };
            scope.names.borrow_mut().insert(name, value);
        }
    }

    pub(super) fn bind_arguments(
        &mut self,
        function: &Rc<Function<'a>>,
        receiver: Option<Value<'a>>,
        arguments: Arguments<'a>,
        scope: &Scope<'a>,
    ) {
        let Some(parameters) = function.definition.parameters() else {
            return;
        };
        let mut keywords = arguments.keywords;
        let mut names = scope.names.borrow_mut();
        let is_static = Self::has_decorator(function, "builtins.staticmethod");
        let receiver = receiver.filter(|_| !is_static);
        let mut positional = receiver.into_iter().chain(arguments.positional);
        let missing = |name: &str| match &arguments.open {
            Some(why) => Value::Unknown(Rc::clone(why)),
            None => Value::unknown(format!("`{name}` is handed in from outside")),
        };
        let mut unknown: Vec<(&str, Option<&'a Expr>)> = Vec::new();
        let positions = parameters.posonlyargs.iter().chain(&parameters.args);
        for (parameter, by_position) in positions
            .map(|parameter| (parameter, true))
            .chain(
                parameters
                    .kwonlyargs
                    .iter()
                    .map(|parameter| (parameter, false)),
            )
            .collect::<Vec<_>>()
        {
            let name = parameter.parameter.name.as_str();
            let given = if by_position { positional.next() } else { None };
            let value = given
                .or_else(|| {
                    let at = keywords.iter().rposition(|(known, _)| &**known == name)?;
                    Some(keywords.remove(at).1)
                })
                .or_else(|| {
                    let default = function.defaults.iter().find(|(known, _)| &**known == name);
                    default.map(|(_, value)| match (&arguments.open, value) {
                        (Some(_), value) => Value::either([value.clone(), missing(name)]),
                        (None, value) => value.clone(),
                    })
                })
                .unwrap_or_else(|| {
                    let annotation = parameter.parameter.annotation.as_deref();
                    unknown.push((name, annotation));
                    missing(name)
                });
            names.insert(name.into(), value);
        }
        if let Some(rest) = &parameters.vararg {
            let sequence = Sequence {
                born: self.conditions.len(),
                items: RefCell::new(positional.collect()),
                open: RefCell::new(arguments.open.clone()),
            };
            names.insert(
                rest.name.as_str().into(),
                Value::Sequence(Rc::new(sequence)),
            );
        }
        if let Some(rest) = &parameters.kwarg {
            let items = keywords
                .into_iter()
                .map(|(name, value)| (Value::Str(name), value));
            let dict = Dict {
                born: self.conditions.len(),
                items: RefCell::new(items.collect()),
                open: RefCell::new(arguments.open.clone()),
            };
            names.insert(rest.name.as_str().into(), Value::Dict(Rc::new(dict)));
        }
        drop(names);
        for (name, annotation) in unknown {
            let annotation =
                annotation.map(|annotation| self.annotation(annotation, &function.scope));
            let app = crate::framework::stand_in(self, function, name, annotation.as_ref());
            let any = app.or_else(|| self.any_of(annotation.as_ref()?));
            if let Some(any) = any {
                scope.names.borrow_mut().insert(name.into(), any);
            }
        }
    }
}
