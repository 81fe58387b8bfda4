//! Functions of the tree that a body calls, and what they are handed.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall};

use super::{Body, DEEPEST, Mode, Walker, is_inside};
use crate::evaluate::value::{Function, Names, Value};
use crate::gates::bearing::Taint;

impl<'a> Walker<'_, 'a> {
    pub(in crate::gates) fn called_bodies(&mut self, call: &'a ExprCall) -> Vec<Rc<Body<'a>>> {
        let callee = self.value(&call.func);
        let mut found = Vec::new();
        for alternative in callee.alternatives().to_vec() {
            found.extend(self.body_of(&alternative, call, 0).map(|(body, _)| body));
        }
        found
    }

    /// What a function of the tree does that is called here, and whether it makes a coroutine.
    #[allow(
        clippy::too_many_lines,
        reason = "one case for each way of handing something on"
    )]
    pub(in crate::gates) fn body_of(
        &mut self,
        callee: &Value<'a>,
        call: &'a ExprCall,
        skip: usize,
    ) -> Option<(Rc<Body<'a>>, bool)> {
        let (function, receiver) = match callee {
            Value::Function(function) => (function.clone(), None),
            Value::Method(method) => (method.function.clone(), Some(method.receiver.clone())),
            Value::Partial(partial) => return self.body_of(&partial.callee.clone(), call, skip),
            Value::Wrapped(wrapped) => return self.body_of(&wrapped.inner.clone(), call, skip),
            Value::Object(_) => {
                let method = self.interpreter.attribute(callee, "__call__");
                return match method {
                    Value::Method(_) => self.body_of(&method, call, skip),
                    _ => None,
                };
            }
            _ => {
                return self
                    .method_of_self(call)
                    .and_then(|method| self.body_of(&method, call, skip));
            }
        };
        if self.depth >= DEEPEST {
            return None;
        }
        let is_async = function.definition.is_async();
        if let Some(inner) = self.seen_through(&function, receiver.as_ref()) {
            return self
                .body_of(&inner, call, skip)
                .map(|(body, inner)| (body, is_async || inner));
        }
        let inner = is_inside(&function, &self.function);
        let mut taint = if inner {
            self.taint.clone()
        } else {
            Taint::default()
        };
        let mut bindings = Names::default();
        let mut worth = inner;
        let mut names: Vec<&str> = function
            .definition
            .parameters()
            .into_iter()
            .flat_map(|parameters| parameters.posonlyargs.iter().chain(&parameters.args))
            .map(|parameter| parameter.parameter.name.as_str())
            .collect();
        if receiver.is_some() && !names.is_empty() {
            names.remove(0);
        }
        let positional = call.arguments.args.iter().skip(skip).enumerate();
        let positional = positional.map(|(at, argument)| (names.get(at).copied(), argument));
        let keywords = call.arguments.keywords.iter();
        let keywords = keywords.map(|keyword| {
            (
                keyword
                    .arg
                    .as_ref()
                    .map(ruff_python_ast::Identifier::as_str),
                &keyword.value,
            )
        });
        let given: Vec<(Option<&str>, &'a Expr)> = positional.chain(keywords).collect();
        let constant_only = given.iter().all(|(_, argument)| argument.is_literal_expr());
        for (name, argument) in given {
            let name = name.unwrap_or_default();
            if self.taint.is_path(argument) {
                taint.paths.insert(name.into());
            } else if self.taint.is_carrier(argument) {
                taint.carriers.insert(name.into());
                worth = true;
            } else if self.taint.reads(argument) {
                taint.credentials.insert(name.into());
                worth = true;
            } else if self.taint.touches(argument) {
                worth = true;
            } else if matches!(argument, Expr::Lambda(_)) {
                worth |= self.taint.reads(argument);
            } else {
                let plain = matches!(argument, Expr::Name(_) | Expr::Attribute(_))
                    || argument.is_literal_expr()
                    || matches!(argument, Expr::List(_) | Expr::Tuple(_) | Expr::Set(_));
                let value = if plain {
                    self.value(argument)
                } else {
                    Value::None
                };
                let value = match value {
                    Value::Parameter(parameter) => self
                        .bindings
                        .get(&parameter.name)
                        .cloned()
                        .unwrap_or(Value::Parameter(parameter)),
                    value => value,
                };
                if matches!(value, Value::Str(_) | Value::Sequence(_)) {
                    bindings.insert(name.into(), value);
                }
            }
        }
        // What is handed nothing of the caller decides nothing about it, but for methods and plain calls, which
        // may get at it by themselves.
        if !worth && receiver.is_none() && !constant_only {
            return Some((Rc::default(), is_async));
        }
        if worth && is_abstract(&function) {
            let why = format!(
                "`{}` is written in a subclass that is not known",
                function.qualname
            );
            let body = Body {
                unknown: Some(why.into()),
                ..Body::default()
            };
            return Some((Rc::new(body), is_async));
        }
        let mode = Mode::Dependency;
        let body = self.gates.body(
            self.interpreter,
            &function,
            receiver.as_ref(),
            taint,
            bindings,
            mode,
            self.depth + 1,
        );
        Some((body, is_async))
    }

    /// What a wrapper hands everything on to, where it does nothing to callers by itself.
    fn seen_through(
        &mut self,
        function: &Rc<Function<'a>>,
        receiver: Option<&Value<'a>>,
    ) -> Option<Value<'a>> {
        let inner = function.wraps.borrow().clone()?;
        let Value::Function(wrapped) = &inner else {
            return None;
        };
        let variadic = function
            .definition
            .parameters()
            .is_some_and(|all| all.vararg.is_some());
        if !variadic || Rc::ptr_eq(wrapped, function) {
            return None;
        }
        let (taint, names) = (Taint::default(), Names::default());
        let own = self.gates.body(
            self.interpreter,
            function,
            receiver,
            taint,
            names,
            Mode::Answer,
            self.depth + 1,
        );
        if !own.denials.is_empty() {
            return None;
        }
        Some(match receiver {
            Some(receiver) => Value::Method(Rc::new(crate::evaluate::value::Method {
                receiver: receiver.clone(),
                function: wrapped.clone(),
            })),
            None => inner,
        })
    }

    /// `self.check(...)`, where it is not known what `self` is but in which class the function stands.
    pub(in crate::gates) fn method_of_self(&mut self, call: &'a ExprCall) -> Option<Value<'a>> {
        let Expr::Attribute(method) = &*call.func else {
            return None;
        };
        let Expr::Name(name) = &*method.value else {
            return None;
        };
        let parameters = self.function.definition.parameters()?;
        let first = parameters.posonlyargs.first().or(parameters.args.first())?;
        if first.parameter.name.as_str() != name.id.as_str() {
            return None;
        }
        let class = self.function.owner.borrow().clone()?;
        match self
            .interpreter
            .attribute(&Value::Class(class.clone()), method.attr.as_str())
        {
            Value::Function(function) => {
                Some(Value::Method(Rc::new(crate::evaluate::value::Method {
                    receiver: Value::Class(class),
                    function,
                })))
            }
            _ => None,
        }
    }
}

/// Whether only subclasses say what a method does.
fn is_abstract(function: &Function<'_>) -> bool {
    function.decorators.borrow().iter().any(
        |decorator| matches!(decorator, Value::External(path) if &**path == "abc.abstractmethod"),
    )
}
