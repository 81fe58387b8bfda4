//! Classes of the tree: their bases, attributes and fields.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall, Stmt, StmtClassDef};

use super::scope::scope as new_scope;
use super::value::{Class, Definition, Function, Object, Scope, ScopeKind, Spot, Super, Value};
use super::{Frame, Interpreter, ParameterOf};
use crate::framework::{self, Known};

/// Bases are not followed further up than this.
const MOST_BASES: usize = 64;

impl<'a> Interpreter<'a> {
    /// A class as its definition makes it, its body run, without decorators.
    pub(super) fn class(&mut self, def: &'a StmtClassDef, scope: &Scope<'a>) -> Rc<Class<'a>> {
        let mut bases = Vec::new();
        if let Some(arguments) = &def.arguments {
            for base in &arguments.args {
                bases.push(self.evaluate(base, scope));
            }
        }
        let qualname = Self::qualified(def.name.as_str(), scope);
        let inner = new_scope(
            ScopeKind::Class,
            scope.module,
            Some(scope),
            scope.function.clone(),
        );
        inner
            .names
            .borrow_mut()
            .insert("__qualname__".into(), Value::Str(Rc::clone(&qualname)));
        let mut frame = Frame::default();
        self.block(&def.body, &inner, &mut frame);
        let class = Rc::new(Class {
            module: scope.module,
            definition: def,
            qualname,
            bases,
            scope: inner.clone(),
        });
        let values: Vec<_> = inner.names.borrow().values().cloned().collect();
        for value in &values {
            for value in value.alternatives() {
                own(value, &inner, &class);
            }
        }
        for name in class.scope.names.borrow().keys() {
            let owners = self.owners.entry(Rc::clone(name)).or_default();
            owners.push(Rc::clone(&class));
        }
        if !self.quiet {
            self.announce(&class, def, scope);
        }
        class
    }

    /// Tells the bases of a class that it is there: `__init_subclass__` may keep a register of routes.
    fn announce(&mut self, class: &Rc<Class<'a>>, def: &'a StmtClassDef, scope: &Scope<'a>) {
        let bases = self.bases(class);
        let hook = bases.iter().skip(1).find_map(|base| {
            match base.scope.names.borrow().get("__init_subclass__") {
                Some(Value::Function(hook)) => Some(Rc::clone(hook)),
                _ => None,
            }
        });
        let Some(hook) = hook else { return };
        let mut arguments = super::value::Arguments::default();
        for keyword in def.arguments.iter().flat_map(|all| &all.keywords) {
            if let Some(name) = &keyword.arg {
                let value = self.evaluate(&keyword.value, scope);
                arguments.keywords.push((name.as_str().into(), value));
            }
        }
        self.run_function(&hook, Some(Value::Class(Rc::clone(class))), arguments);
    }

    /// The classes so far that name this one among their bases, in the order in which they are written.
    pub(super) fn subclasses(&self, class: &Rc<Class<'a>>) -> Vec<Value<'a>> {
        let is_base =
            |base: &Value<'a>| matches!(base, Value::Class(base) if Rc::ptr_eq(base, class));
        let all = self.owners.get("__qualname__").into_iter().flatten();
        let heirs = all.filter(|heir| {
            heir.bases
                .iter()
                .any(|base| base.alternatives().iter().any(is_base))
        });
        heirs.map(|heir| Value::Class(Rc::clone(heir))).collect()
    }

    /// Any instance of the class that an annotation names; `None` where it names no class of the tree.
    pub(crate) fn any_of(&mut self, annotation: &Value<'a>) -> Option<Value<'a>> {
        let class = annotation.alternatives().iter().find_map(|one| match one {
            Value::Class(class) => Some(Rc::clone(class)),
            Value::Annotated(annotated) => match &annotated.base {
                Value::Class(class) => Some(Rc::clone(class)),
                _ => None,
            },
            _ => None,
        })?;
        if self.is_enumeration(&class) {
            return None;
        }
        let known = self.known_base(&Value::Class(Rc::clone(&class)));
        if known.is_some() {
            // What is in an application that is handed in is not known.
            return None;
        }
        Some(Value::Object(Rc::new(Object {
            spot: Spot::new(class.module, class.definition.range),
            class: Some(class),
            known: None,
            is_any: true,
            fields: std::cell::RefCell::default(),
            framework: std::cell::RefCell::default(),
            name: std::cell::RefCell::default(),
            maker: None,
        })))
    }

    /// An attribute of any instance of a class: of the class itself, and of those that inherit from it and have
    /// their own.
    pub(super) fn attribute_of_any(
        &mut self,
        object: &Rc<Object<'a>>,
        name: &str,
    ) -> Option<Value<'a>> {
        let class = object.class.clone()?;
        self.run_candidates();
        let mut found = Vec::new();
        for heir in self.owners.get(name).cloned().unwrap_or_default() {
            let own = heir.scope.names.borrow().get(name).cloned();
            let Some(own) = own else { continue };
            let inherits = Rc::ptr_eq(&heir, &class)
                || self
                    .bases(&heir)
                    .iter()
                    .any(|base| Rc::ptr_eq(base, &class));
            if inherits {
                let receiver = Value::Object(Rc::clone(object));
                found.push(self.bind_to(&receiver, &heir, own));
            }
        }
        if found.is_empty() {
            let inherited = self.find_in_class(&class, name)?;
            let receiver = Value::Object(Rc::clone(object));
            found.push(self.bind_to(&receiver, &class, inherited));
        }
        Some(Value::either(found))
    }

    /// The class and its bases in the tree, nearest first.
    pub(crate) fn bases(&mut self, class: &Rc<Class<'a>>) -> Vec<Rc<Class<'a>>> {
        let mut all: Vec<Rc<Class<'a>>> = Vec::new();
        let mut waiting = vec![Rc::clone(class)];
        while let Some(class) = waiting.pop() {
            if all.len() >= MOST_BASES || all.iter().any(|known| Rc::ptr_eq(known, &class)) {
                continue;
            }
            for base in class.bases.iter().rev() {
                for base in base.alternatives() {
                    if let Value::Class(base) = base {
                        waiting.push(Rc::clone(base));
                    }
                }
            }
            all.push(class);
        }
        all
    }

    /// The names of the libraries' classes that a class inherits from.
    pub(crate) fn library_bases(&mut self, class: &Rc<Class<'a>>) -> Vec<Rc<str>> {
        let mut names = Vec::new();
        for class in self.bases(class) {
            for base in &class.bases {
                for base in base.alternatives() {
                    match base {
                        Value::External(name) => names.push(Rc::clone(name)),
                        Value::Made(made) => names.push(Rc::clone(&made.callee)),
                        _ => {}
                    }
                }
            }
        }
        names
    }

    /// An attribute of a class or its bases in the tree, as it stands there.
    pub(crate) fn find_in_class(&mut self, class: &Rc<Class<'a>>, name: &str) -> Option<Value<'a>> {
        for class in self.bases(class) {
            let found = class.scope.names.borrow().get(name).cloned();
            if let Some(found) = found {
                if matches!(found, Value::Imported(_)) {
                    return Some(self.lookup(&class.scope, name));
                }
                return Some(found);
            }
        }
        None
    }

    /// A class of the framework among the bases of `class`, nearest first.
    pub(crate) fn known_base(&mut self, class: &Value<'a>) -> Option<Known> {
        match class {
            Value::Known(known) => Some(*known),
            Value::External(path) => framework::known(path),
            Value::Class(class) => {
                let names = self.library_bases(class);
                let found = names.iter().find_map(|name| framework::known(name));
                found.or_else(|| {
                    self.bases(class).iter().find_map(|class| {
                        class.bases.iter().find_map(|base| match base {
                            Value::Known(known) => Some(*known),
                            _ => None,
                        })
                    })
                })
            }
            _ => None,
        }
    }

    /// Whether `class` is, or inherits from, this class of a library, by whichever of its names: what FastAPI
    /// has from Starlette is the same. Of the tree: `module.Class`.
    pub(crate) fn inherits(&mut self, class: &Value<'a>, path: &str) -> bool {
        match class {
            Value::External(name) => same_library_name(name, path),
            Value::Known(known) => framework::known(path) == Some(*known),
            Value::Class(class) => {
                let names = self.library_bases(class);
                names.iter().any(|name| same_library_name(name, path))
                    || self.bases(class).iter().any(|class| {
                        path.strip_prefix(self.sources.name(class.module))
                            .and_then(|rest| rest.strip_prefix('.'))
                            == Some(&*class.qualname)
                    })
                    || framework::known(path).is_some_and(|known| {
                        self.known_base(&Value::Class(Rc::clone(class))) == Some(known)
                    })
            }
            Value::Annotated(annotated) => self.inherits(&annotated.base.clone(), path),
            _ => false,
        }
    }

    /// Whether the members of a class are constants: `enum.Enum`.
    pub(super) fn is_enumeration(&mut self, class: &Rc<Class<'a>>) -> bool {
        self.library_bases(class).iter().any(|name| {
            matches!(
                &**name,
                "enum.Enum" | "enum.StrEnum" | "enum.IntEnum" | "enum.Flag" | "enum.IntFlag"
            )
        })
    }

    /// Whether the fields of a class are set by configuration: the environment may replace its defaults.
    pub(super) fn is_configuration(&mut self, class: &Rc<Class<'a>>) -> bool {
        self.library_bases(class).iter().any(|name| {
            let last = name.rsplit('.').next().unwrap_or(name);
            matches!(last, "BaseSettings" | "BaseModel" | "Config" | "BaseConfig")
        })
    }

    /// The names of a class's annotated fields, those of its bases first.
    pub(super) fn annotated_names(&mut self, class: &Rc<Class<'a>>) -> Vec<Rc<str>> {
        let mut names: Vec<Rc<str>> = Vec::new();
        for class in self.bases(class).iter().rev() {
            for statement in &class.definition.body {
                if let Stmt::AnnAssign(assign) = statement
                    && let Expr::Name(name) = &*assign.target
                    && !names.iter().any(|known| &**known == name.id.as_str())
                {
                    names.push(name.id.as_str().into());
                }
            }
        }
        names
    }

    /// The annotated fields of a class as the parameters that it is made with: of data classes and models.
    pub(super) fn fields_as_parameters(
        &mut self,
        class: &Rc<Class<'a>>,
    ) -> Result<Vec<ParameterOf<'a>>, Rc<str>> {
        let mut all: Vec<ParameterOf<'a>> = Vec::new();
        for class in self.bases(class).iter().rev() {
            for statement in &class.definition.body {
                let Stmt::AnnAssign(assign) = statement else {
                    continue;
                };
                let Expr::Name(name) = &*assign.target else {
                    continue;
                };
                let name: Rc<str> = name.id.as_str().into();
                let annotation = self.annotation(&assign.annotation, &class.scope);
                let default = class.scope.names.borrow().get(&name).cloned();
                all.retain(|known| known.name != name);
                all.push(ParameterOf {
                    name,
                    annotation: Some(annotation),
                    default,
                });
            }
        }
        Ok(all)
    }

    /// `super()` or `super(Class, self)` in a method.
    pub(super) fn super_of(&mut self, call: &'a ExprCall, scope: &Scope<'a>) -> Option<Value<'a>> {
        let mut around = Some(scope.clone());
        while let Some(here) = around.take() {
            if let Some(function) = &here.function
                && here.kind == ScopeKind::Function
                && let Some(owner) = function.owner.borrow().clone()
            {
                let parameters = match function.definition {
                    Definition::Function(def) => &def.parameters,
                    Definition::Lambda(_) => return None,
                };
                let first = parameters.iter().next()?.name().as_str().to_owned();
                let receiver = self.lookup(&here, &first);
                let after = match call.arguments.args.first() {
                    Some(class) => match self.evaluate(class, scope) {
                        Value::Class(class) => class,
                        _ => owner,
                    },
                    None => owner,
                };
                return Some(Value::Super(Rc::new(Super { receiver, after })));
            }
            around.clone_from(&here.parent);
        }
        None
    }

    /// What `super().name` is.
    pub(super) fn attribute_of_super(&mut self, of: &Super<'a>, name: &str) -> Value<'a> {
        let class = match &of.receiver {
            Value::Object(object) => object.class.clone(),
            Value::Class(class) => Some(Rc::clone(class)),
            _ => None,
        };
        let class = class.unwrap_or_else(|| Rc::clone(&of.after));
        let bases = self.bases(&class);
        let at = bases.iter().position(|base| Rc::ptr_eq(base, &of.after));
        for base in bases.iter().skip(at.map_or(1, |at| at + 1)) {
            let found = base.scope.names.borrow().get(name).cloned();
            if let Some(Value::Function(function)) = found {
                return Self::bound(of.receiver.clone(), &function);
            }
            if let Some(found) = found {
                return found;
            }
        }
        if let Value::Object(object) = &of.receiver
            && object.known.is_some()
        {
            if name == "__init__" {
                return Value::KnownMethod(Rc::new(super::value::KnownMethod {
                    receiver: Rc::clone(object),
                    name: name.into(),
                    waiting: None,
                }));
            }
            if let Some(value) = framework::attribute(self, object, name) {
                return value;
            }
        }
        Value::unknown(format!("`super().{name}` is not in the source"))
    }

    /// An attribute that an object has from its class, bound to it.
    pub(crate) fn attribute_of_class(
        &mut self,
        object: &Rc<Object<'a>>,
        name: &str,
    ) -> Option<Value<'a>> {
        let class = object.class.clone()?;
        let found = self.find_in_class(&class, name)?;
        Some(self.bind_to(&Value::Object(Rc::clone(object)), &class, found))
    }

    pub(super) fn bind_to(
        &mut self,
        receiver: &Value<'a>,
        class: &Rc<Class<'a>>,
        found: Value<'a>,
    ) -> Value<'a> {
        if let Value::Either(several) = &found {
            let bound = several
                .iter()
                .map(|one| self.bind_to(receiver, class, one.clone()));
            return Value::either(bound.collect::<Vec<_>>());
        }
        let Value::Function(function) = &found else {
            return found;
        };
        if Self::has_decorator(function, "builtins.staticmethod") {
            return found;
        }
        if Self::has_decorator(function, "builtins.classmethod") {
            return Self::bound(Value::Class(Rc::clone(class)), function);
        }
        if Self::is_property(function) && matches!(receiver, Value::Object(_)) {
            return self.run_function(
                &Rc::clone(function),
                Some(receiver.clone()),
                super::value::Arguments::default(),
            );
        }
        Self::bound(receiver.clone(), function)
    }

    fn is_property(function: &Function<'a>) -> bool {
        ["builtins.property", "functools.cached_property"]
            .iter()
            .any(|path| Self::has_decorator(function, path))
    }
}

/// Marks the functions of a class body as its methods.
fn own<'a>(value: &Value<'a>, scope: &Scope<'a>, class: &Rc<Class<'a>>) {
    match value {
        Value::Function(function) if Rc::ptr_eq(&function.scope, scope) => {
            *function.owner.borrow_mut() = Some(Rc::clone(class));
        }
        Value::Function(function) => {
            if let Some(inner) = function.wraps.borrow().as_ref() {
                own(inner, scope, class);
            }
        }
        Value::Wrapped(wrapped) => own(&wrapped.inner, scope, class),
        _ => {}
    }
}

/// Whether both names mean the same class of a library, wherever it is imported from.
fn same_library_name(one: &str, other: &str) -> bool {
    let split = |path: &str| {
        let package = path.split('.').next().unwrap_or_default();
        let package = if package == "starlette" {
            "fastapi"
        } else {
            package
        };
        let last = path.rsplit('.').next().unwrap_or_default();
        (package.to_owned(), last.to_owned())
    };
    one == other || split(one) == split(other)
}
