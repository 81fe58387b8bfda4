//! Imports. A module that may have to do with the framework is run when it is imported, as Python would;
//! any other only when one of its names is asked for.

use std::rc::Rc;

use ruff_python_ast::{StmtImport, StmtImportFrom};

use super::Interpreter;
use super::value::{Scope, Value};
use crate::source::ModuleId;

impl<'a> Interpreter<'a> {
    pub(super) fn import(&mut self, import: &'a StmtImport, scope: &Scope<'a>) {
        for alias in &import.names {
            let dotted = alias.name.as_str();
            let found = self.module_named(scope.module, dotted);
            if let Some(name) = &alias.asname {
                self.bind(scope, name.as_str(), found);
            } else {
                let top = dotted.split('.').next().unwrap_or(dotted);
                let found = self.module_named(scope.module, top);
                self.bind(scope, top, found);
            }
        }
    }

    pub(super) fn import_from(&mut self, import: &'a StmtImportFrom, scope: &Scope<'a>) {
        for alias in &import.names {
            if alias.name.as_str() == "*" {
                self.import_all(import, scope);
                continue;
            }
            let value = self.from_import(import, alias.name.as_str(), scope);
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.bind(scope, name.as_str(), value);
        }
    }

    /// What `from module import name` gives.
    pub(super) fn from_import(
        &mut self,
        import: &StmtImportFrom,
        name: &str,
        scope: &Scope<'a>,
    ) -> Value<'a> {
        let from = scope.module;
        let dotted = import
            .module
            .as_ref()
            .map(ruff_python_ast::Identifier::as_str);
        let found = if import.level > 0 {
            self.sources.resolve_relative(from, import.level, dotted)
        } else {
            dotted.and_then(|dotted| self.sources.resolve(from, dotted))
        };
        if let Some(module) = found {
            if self.is_candidate(module) {
                self.module_scope(module);
            }
            return Value::Imported(Rc::new((module, name.into())));
        }
        let dots = ".".repeat(import.level as usize);
        let dotted = format!("{dots}{}", dotted.unwrap_or_default());
        if import.level > 0 {
            // `from . import x` where `x` is a folder of its own.
            let found = self.sources.resolve_relative(
                from,
                import.level,
                Some(
                    [
                        import.module.as_ref().map_or("", |name| name.as_str()),
                        name,
                    ]
                    .join(".")
                    .trim_start_matches('.'),
                ),
            );
            return match found {
                Some(module) => self.module_value(module),
                None => Value::unknown(format!("`{dotted}` is not in what was scanned")),
            };
        }
        self.module_named(from, &format!("{dotted}.{name}"))
    }

    fn import_all(&mut self, import: &StmtImportFrom, scope: &Scope<'a>) {
        let from = scope.module;
        let dotted = import
            .module
            .as_ref()
            .map(ruff_python_ast::Identifier::as_str);
        let found = if import.level > 0 {
            self.sources.resolve_relative(from, import.level, dotted)
        } else {
            dotted.and_then(|dotted| self.sources.resolve(from, dotted))
        };
        let Some(module) = found else {
            return;
        };
        let source = self.module_scope(module);
        if Rc::ptr_eq(&source, scope) {
            return;
        }
        let names: Vec<_> = source
            .names
            .borrow()
            .keys()
            .filter(|name| !name.starts_with('_'))
            .cloned()
            .collect();
        for name in names {
            let value = Value::Imported(Rc::new((module, Rc::clone(&name))));
            self.bind(scope, &name, value);
        }
    }

    /// The module or thing of a library that a dotted name is, from where it is imported.
    pub(super) fn module_named(&mut self, from: ModuleId, dotted: &str) -> Value<'a> {
        match self.sources.resolve(from, dotted) {
            Some(module) => self.module_value(module),
            None => self
                .folder(from, dotted)
                .unwrap_or_else(|| Value::External(dotted.into())),
        }
    }

    fn module_value(&mut self, module: ModuleId) -> Value<'a> {
        if self.is_candidate(module) {
            self.module_scope(module);
        }
        Value::Module(module)
    }

    /// What a name is that was imported from a module of the tree into `into`.
    pub(super) fn imported(&mut self, into: ModuleId, module: ModuleId, name: &str) -> Value<'a> {
        if module == into {
            // A package imports from itself: its modules are meant.
            if let Some(found) = self.submodule(module, name) {
                return found;
            }
        }
        if let Some(value) = self.name_in_module(module, name) {
            return value;
        }
        if let Some(found) = self.submodule(module, name) {
            if let Value::Module(id) = found
                && self.is_candidate(id)
            {
                self.module_scope(id);
            }
            return found;
        }
        if let Some(getter) = self.name_in_module(module, "__getattr__") {
            let _ = getter;
            return Value::unknown(format!(
                "`{name}` is made by a function when it is asked for"
            ));
        }
        Value::unknown(format!(
            "`{name}` is not defined in {}",
            self.sources.name(module)
        ))
    }
}
