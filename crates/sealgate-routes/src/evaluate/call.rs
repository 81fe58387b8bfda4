//! Calls.

use std::rc::Rc;

use ruff_python_ast::StmtFunctionDef;
use ruff_text_size::Ranged;

use super::scope::scope as new_scope;
use super::value::{
    Arguments, Class, Definition, Function, KnownMethod, Made, Method, Object, Partial, Scope,
    ScopeKind, Sequence, Spot, Value, Wrapped,
};
use super::{
    DEEPEST_CALL, DEEPEST_FOREIGN_CALL, DEEPEST_QUIET_CALL, Frame, Interpreter, MOST_STEPS,
    MOST_STEPS_OF_A_CALL, MOST_STEPS_OF_A_FOREIGN_CALL,
};
use crate::framework;

impl<'a> Interpreter<'a> {
    /// Calls anything.
    pub(crate) fn call(
        &mut self,
        callee: &Value<'a>,
        arguments: Arguments<'a>,
        spot: Spot,
    ) -> Value<'a> {
        match callee {
            Value::Function(function) => self.run_function(function, None, arguments),
            Value::Method(method) => {
                let receiver = method.receiver.clone();
                self.run_function(&method.function, Some(receiver), arguments)
            }
            Value::Class(class) => self.instantiate(class, arguments, spot),
            Value::Known(known) => {
                let object = self.new_object(None, Some(*known), spot);
                framework::construct(self, &object, &arguments, spot);
                Value::Object(object)
            }
            Value::KnownMethod(method) => self.call_known(method, arguments, spot),
            Value::External(path) => self.call_library(path, None, arguments, spot),
            Value::Made(made) if !made.called => {
                self.call_library(&made.callee, made.of.as_ref(), arguments, spot)
            }
            Value::Made(made) => {
                let path: Rc<str> = format!("{}()", made.callee).into();
                self.call_library(&path, Some(callee), arguments, spot)
            }
            Value::Partial(partial) => {
                let mut all = partial.arguments.clone();
                all.positional.extend(arguments.positional);
                all.keywords.extend(arguments.keywords);
                all.open = all.open.or(arguments.open);
                self.call(&partial.callee.clone(), all, spot)
            }
            Value::Wrapped(wrapped) => self.call(&wrapped.inner.clone(), arguments, spot),
            Value::Object(object) => match self.attribute_of_class(object, "__call__") {
                Some(method) => self.call(&method, arguments, spot),
                None => Value::unknown("what it does when it is called is not known"),
            },
            Value::Either(several) => {
                let several = Rc::clone(several);
                let results: Vec<_> = several
                    .iter()
                    .filter(|one| !matches!(one, Value::None))
                    .map(|one| self.call(one, arguments.clone(), spot))
                    .collect();
                Value::either(results)
            }
            Value::Unknown(why) => Value::Unknown(Rc::clone(why)),
            Value::Annotated(annotated) => self.call(&annotated.base.clone(), arguments, spot),
            _ => Value::unknown("what is called is not known"),
        }
    }

    fn call_library(
        &mut self,
        path: &Rc<str>,
        of: Option<&Value<'a>>,
        arguments: Arguments<'a>,
        spot: Spot,
    ) -> Value<'a> {
        if let Some(known) = framework::known(path) {
            let object = self.new_object(None, Some(known), spot);
            framework::construct(self, &object, &arguments, spot);
            return Value::Object(object);
        }
        if let Some(value) = self.call_builtin(path, &arguments, spot) {
            return value;
        }
        if let Some(value) = framework::call_external(self, path, of, &arguments, spot) {
            return value;
        }
        Value::Made(Rc::new(Made {
            callee: Rc::clone(path),
            called: true,
            of: of.cloned(),
            arguments,
            spot,
        }))
    }

    fn call_known(
        &mut self,
        method: &Rc<KnownMethod<'a>>,
        arguments: Arguments<'a>,
        spot: Spot,
    ) -> Value<'a> {
        if &*method.name == "__init__" {
            framework::construct(self, &method.receiver, &arguments, spot);
            return Value::None;
        }
        if !self.quiet {
            return framework::call_method(self, method, arguments, spot);
        }
        if method.waiting.is_some() {
            return arguments.get(0, "func").cloned().unwrap_or(Value::None);
        }
        Value::KnownMethod(Rc::new(KnownMethod {
            receiver: Rc::clone(&method.receiver),
            name: Rc::clone(&method.name),
            waiting: Some((arguments, spot)),
        }))
    }

    /// A new instance, empty so far.
    pub(super) fn new_object(
        &mut self,
        class: Option<Rc<Class<'a>>>,
        known: Option<framework::Known>,
        spot: Spot,
    ) -> Rc<Object<'a>> {
        let object = Rc::new(Object {
            class,
            known,
            is_any: false,
            fields: std::cell::RefCell::default(),
            framework: std::cell::RefCell::default(),
            spot,
            name: std::cell::RefCell::default(),
            maker: self.maker(),
        });
        if known.is_some() && !self.quiet {
            self.objects.push(Rc::clone(&object));
        }
        object
    }

    pub(super) fn instantiate(
        &mut self,
        class: &Rc<Class<'a>>,
        arguments: Arguments<'a>,
        spot: Spot,
    ) -> Value<'a> {
        if self.stack.len() > DEEPEST_CALL {
            return Value::unknown("it is made too deep in calls");
        }
        if !self.quiet {
            self.used
                .insert(Spot::new(class.module, class.definition.range));
        }
        let value = Value::Class(Rc::clone(class));
        if self.is_enumeration(class) {
            return arguments.positional.first().cloned().unwrap_or(value);
        }
        let known = self.known_base(&value);
        let object = self.new_object(Some(Rc::clone(class)), known, spot);
        let made = Value::Object(Rc::clone(&object));
        match self.find_in_class(class, "__init__") {
            Some(Value::Function(init)) => {
                self.run_function(&init, Some(made.clone()), arguments);
                if known.is_some() && object.framework.borrow().is_none() {
                    framework::construct(self, &object, &Arguments::default(), spot);
                }
            }
            _ if known.is_some() => framework::construct(self, &object, &arguments, spot),
            _ => self.fill_fields(class, &object, &arguments),
        }
        made
    }

    /// The fields of a data class or model from the arguments it is made with.
    fn fill_fields(
        &mut self,
        class: &Rc<Class<'a>>,
        object: &Rc<Object<'a>>,
        arguments: &Arguments<'a>,
    ) {
        let names = self.annotated_names(class);
        let mut fields = object.fields.borrow_mut();
        for (name, value) in names.iter().zip(&arguments.positional) {
            fields.insert(Rc::clone(name), value.clone());
        }
        for (name, value) in &arguments.keywords {
            fields.insert(Rc::clone(name), value.clone());
        }
    }

    /// The scope of a call of `function`, without its parameters.
    pub(super) fn scope_of_call(&self, function: &Rc<Function<'a>>) -> Scope<'a> {
        new_scope(
            ScopeKind::Function,
            function.module,
            Some(&function.scope),
            Some(Rc::clone(function)),
        )
    }

    /// Runs a function of the tree and returns what it may return.
    pub(super) fn run_function(
        &mut self,
        function: &Rc<Function<'a>>,
        receiver: Option<Value<'a>>,
        arguments: Arguments<'a>,
    ) -> Value<'a> {
        let again = self
            .stack
            .iter()
            .filter(|running| Rc::ptr_eq(running, function))
            .count();
        let same = self
            .stack
            .iter()
            .filter(|running| {
                running.definition.range() == function.definition.range()
                    && running.module == function.module
            })
            .count();
        if again > 1 || same > 2 {
            return Value::unknown("it depends on itself");
        }
        if self.stack.len() >= DEEPEST_CALL {
            return Value::unknown("it is called too deep in calls");
        }
        let foreign = !self.is_candidate(function.module) || self.quiet;
        let deepest = if self.quiet {
            DEEPEST_QUIET_CALL
        } else {
            DEEPEST_FOREIGN_CALL
        };
        if foreign && self.foreign >= deepest {
            return Value::unknown("it is called too deep in calls");
        }
        let (limit, home, steps) = (self.limit, self.home, self.steps);
        if self.stack.is_empty() {
            self.limit = MOST_STEPS.min(self.steps + MOST_STEPS_OF_A_CALL);
        }
        // A decorator from elsewhere may call back: what it calls does not have to hurry.
        let back = !foreign && self.foreign > 0;
        if back {
            self.limit = self.home;
        } else if foreign && self.foreign == 0 {
            self.home = self.limit;
            self.limit = self.limit.min(self.steps + MOST_STEPS_OF_A_FOREIGN_CALL);
        }
        if !self.quiet {
            self.used.insert(self.spot_of(function));
        }
        self.foreign += usize::from(foreign);
        let scope = self.scope_of_call(function);
        self.bind_arguments(function, receiver, arguments, &scope);
        self.stack.push(Rc::clone(function));
        let mut frame = Frame::default();
        let value = match function.definition {
            Definition::Lambda(lambda) => self.evaluate(&lambda.body, &scope),
            Definition::Function(def) => {
                let flow = self.block(&def.body, &scope, &mut frame);
                if !frame.yields.is_empty() || frame.open.is_some() {
                    Value::Sequence(Rc::new(Sequence {
                        born: self.conditions.len(),
                        items: std::cell::RefCell::new(frame.yields),
                        open: std::cell::RefCell::new(frame.open),
                    }))
                } else {
                    if flow == super::Flow::On {
                        frame.returns.push(Value::None);
                    }
                    if frame.returns.is_empty() {
                        Value::None
                    } else {
                        Value::either(frame.returns)
                    }
                }
            }
        };
        self.stack.pop();
        self.foreign -= usize::from(foreign);
        self.limit = if back {
            limit + (self.steps - steps)
        } else {
            limit
        };
        self.home = home;
        if let Value::Unknown(_) = value
            && let Definition::Function(def) = function.definition
            && let Some(returns) = &def.returns
        {
            let annotation = self.annotation(returns, &function.scope);
            return self.any_of(&annotation).unwrap_or(value);
        }
        value
    }

    /// `value` with the decorator `by` put on it.
    pub(super) fn decorated(&mut self, by: &Value<'a>, value: Value<'a>, spot: Spot) -> Value<'a> {
        let one = |value: &Value<'a>| Arguments {
            positional: vec![value.clone()],
            ..Arguments::default()
        };
        match by {
            Value::KnownMethod(_) | Value::Partial(_) => {
                let result = self.call(by, one(&value), spot);
                match result {
                    Value::Unknown(_) | Value::None | Value::Made(_) => Self::remember(by, value),
                    result => result,
                }
            }
            Value::External(path) => self
                .call_builtin(path, &one(&value), spot)
                .or_else(|| framework::call_external(self, path, None, &one(&value), spot))
                .unwrap_or_else(|| Self::remember(by, value)),
            Value::Made(made) => {
                let path = if made.called {
                    format!("{}()", made.callee)
                } else {
                    made.callee.to_string()
                };
                let of = if made.called {
                    Some(by)
                } else {
                    made.of.as_ref()
                };
                framework::call_external(self, &path, of, &one(&value), spot)
                    .unwrap_or_else(|| Self::remember(by, value))
            }
            Value::Function(_) | Value::Method(_) | Value::Object(_) | Value::Class(_) => {
                match self.call(by, one(&value), spot) {
                    Value::Unknown(_) | Value::None | Value::Parameter(_) => {
                        Self::remember(by, value)
                    }
                    result => result,
                }
            }
            Value::Either(several) => {
                let several = Rc::clone(several);
                let all: Vec<_> = several
                    .iter()
                    .map(|by| self.decorated(by, value.clone(), spot))
                    .collect();
                Value::either(all)
            }
            _ => Self::remember(by, value),
        }
    }

    /// Keeps in mind that a decorator that is not understood stands on `value`.
    fn remember(by: &Value<'a>, value: Value<'a>) -> Value<'a> {
        match &value {
            Value::Function(function) => {
                function.decorators.borrow_mut().insert(0, by.clone());
                value
            }
            Value::Class(_) => value,
            _ => Value::Wrapped(Rc::new(Wrapped {
                inner: value,
                by: by.clone(),
            })),
        }
    }

    /// A function as its definition makes it, without decorators.
    pub(super) fn function(
        &mut self,
        def: &'a StmtFunctionDef,
        scope: &Scope<'a>,
    ) -> Rc<Function<'a>> {
        self.make_function(Definition::Function(def), def.name.as_str(), scope)
    }

    pub(super) fn make_function(
        &mut self,
        definition: Definition<'a>,
        name: &str,
        scope: &Scope<'a>,
    ) -> Rc<Function<'a>> {
        let mut defaults = Vec::new();
        for parameter in definition
            .parameters()
            .into_iter()
            .flat_map(ruff_python_ast::Parameters::iter_non_variadic_params)
        {
            if let Some(default) = &parameter.default {
                let value = self.evaluate(default, scope);
                defaults.push((parameter.parameter.name.as_str().into(), value));
            }
        }
        Rc::new(Function {
            module: scope.module,
            definition,
            qualname: Self::qualified(name, scope),
            scope: scope.clone(),
            defaults,
            decorators: std::cell::RefCell::default(),
            owner: std::cell::RefCell::default(),
            wraps: std::cell::RefCell::default(),
        })
    }

    /// The name of something defined in `scope` as Python writes it.
    pub(super) fn qualified(name: &str, scope: &Scope<'a>) -> Rc<str> {
        match scope.kind {
            ScopeKind::Module => name.into(),
            ScopeKind::Class => match scope.names.borrow().get("__qualname__") {
                Some(Value::Str(class)) => format!("{class}.{name}").into(),
                _ => name.into(),
            },
            ScopeKind::Function => match &scope.function {
                Some(function) => format!("{}.<locals>.{name}", function.qualname).into(),
                None => name.into(),
            },
        }
    }

    /// A method with its receiver.
    pub(super) fn bound(receiver: Value<'a>, function: &Rc<Function<'a>>) -> Value<'a> {
        Value::Method(Rc::new(Method {
            receiver,
            function: Rc::clone(function),
        }))
    }

    /// A method of a builtin type with its receiver.
    pub(super) fn bound_builtin(receiver: &Value<'a>, path: String) -> Value<'a> {
        Value::Partial(Rc::new(Partial {
            callee: Value::External(path.into()),
            arguments: Arguments {
                positional: vec![receiver.clone()],
                ..Arguments::default()
            },
        }))
    }
}
