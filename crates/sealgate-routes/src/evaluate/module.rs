//! Modules: running them, and what they define further down than somebody asks.

use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt};

use super::scope::scope;
use super::value::{Scope, ScopeKind, Value};
use super::{Frame, Interpreter, Ran};
use crate::source::ModuleId;

impl<'a> Interpreter<'a> {
    /// The module's own scope, executed; as far as it got if it is just being executed.
    pub(crate) fn module_scope(&mut self, module: ModuleId) -> Scope<'a> {
        if let Some(ran) = self.modules.get(&module) {
            return ran.scope.clone();
        }
        let names = scope(ScopeKind::Module, module, None, None);
        let ran = Ran {
            scope: names.clone(),
            done: false,
        };
        self.modules.insert(module, ran);
        names.names.borrow_mut().insert(
            "__name__".into(),
            Value::unknown("whether it runs as a program is not known"),
        );
        if let Some(loaded) = self.sources.load(module) {
            // What a module does when it is imported happens once, whoever asks, and whatever they are doing.
            let stack = std::mem::take(&mut self.stack);
            let conditions = std::mem::take(&mut self.conditions);
            let (quiet, limit, foreign, steps) = (self.quiet, self.limit, self.foreign, self.steps);
            let left = super::MOST_STEPS.saturating_sub(self.steps + self.spent);
            (self.quiet, self.limit, self.foreign) = (false, self.steps + left, 0);
            let mut frame = Frame::default();
            self.block(&loaded.syntax.body, &names, &mut frame);
            // Whoever asked first does not pay for it.
            self.spent += self.steps - steps;
            (self.quiet, self.limit, self.foreign, self.steps) = (quiet, limit, foreign, steps);
            (self.stack, self.conditions) = (stack, conditions);
        }
        if let Some(ran) = self.modules.get_mut(&module) {
            ran.done = true;
        }
        names
    }

    /// Whether a module has been executed to its end.
    pub(super) fn is_done(&self, module: ModuleId) -> bool {
        self.modules.get(&module).is_some_and(|ran| ran.done)
    }

    /// Whether a module may have to do with the framework.
    pub(super) fn is_candidate(&self, module: ModuleId) -> bool {
        self.candidates.contains(&module)
    }

    /// What a name will stand for in a module that is still being executed: in a circle of imports somebody
    /// may ask before it is defined. Functions and classes only.
    pub(super) fn defined_later(&mut self, names: &Scope<'a>, name: &str) -> Option<Value<'a>> {
        let asked = (names.module, Rc::from(name));
        if self.is_done(names.module) || self.defining.contains(&asked) {
            return None;
        }
        self.defining.push(asked);
        let found = self.definition(names, name);
        self.defining.pop();
        found
    }

    fn definition(&mut self, names: &Scope<'a>, name: &str) -> Option<Value<'a>> {
        let body = &self.sources.load(names.module)?.syntax.body;
        body.iter().find_map(|statement| match statement {
            Stmt::FunctionDef(def) if def.name.as_str() == name => {
                Some(Value::Function(self.function(def, names)))
            }
            Stmt::ClassDef(def) if def.name.as_str() == name => {
                Some(Value::Class(self.class(def, names)))
            }
            Stmt::ImportFrom(import)
                if import
                    .names
                    .iter()
                    .any(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str() == name) =>
            {
                let alias = import
                    .names
                    .iter()
                    .find(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str() == name)?;
                Some(self.from_import(import, alias.name.as_str(), names))
            }
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [Expr::Name(target)] if target.id.as_str() == name => {
                    let pure = !matches!(&*assign.value, Expr::Call(_));
                    pure.then(|| self.evaluate(&assign.value, names))
                }
                _ => None,
            },
            _ => None,
        })
    }

    /// The module `name` of the package `module`.
    pub(super) fn submodule(&mut self, module: ModuleId, name: &str) -> Option<Value<'a>> {
        if !self.sources.is_package(module) {
            return None;
        }
        let found = self.sources.resolve_relative(module, 1, Some(name));
        found.map(Value::Module)
    }

    /// A folder without `__init__.py` as a value.
    pub(super) fn folder(&mut self, from: ModuleId, dotted: &str) -> Option<Value<'a>> {
        if !self.sources.exists_below(from, dotted) {
            return None;
        }
        let name: Rc<str> = dotted.into();
        self.folders.entry(Rc::clone(&name)).or_insert(from);
        Some(Value::External(name))
    }
}
