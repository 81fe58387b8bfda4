//! Names: where they are bound, and what they mean.

use std::cell::RefCell;
use std::rc::Rc;

use super::Interpreter;
use super::value::{Function, Names, Object, Scope, ScopeData, ScopeKind, Value};
use crate::source::ModuleId;

impl<'a> Interpreter<'a> {
    /// What a name stands for in a scope and those around it, builtins last.
    pub(crate) fn lookup(&mut self, scope: &Scope<'a>, name: &str) -> Value<'a> {
        let mut current = Some(Rc::clone(scope));
        let mut first = true;
        while let Some(here) = current.take() {
            // The names of a class body are not seen from the functions in it.
            if first || here.kind != ScopeKind::Class {
                let found = here.names.borrow().get(name).cloned();
                if let Some(found) = found {
                    return self.looked_up(&here, name, found);
                }
            }
            first = false;
            if here.kind == ScopeKind::Module
                && let Some(late) = self.defined_later(&here, name)
            {
                return self.looked_up(&here, name, late);
            }
            current.clone_from(&here.parent);
        }
        Self::builtin(name)
    }

    /// What a name of a module stands for; `None` if there is none.
    pub(crate) fn name_in_module(&mut self, module: ModuleId, name: &str) -> Option<Value<'a>> {
        let scope = self.module_scope(module);
        let found = scope.names.borrow().get(name).cloned();
        let found = match found {
            Some(found) => found,
            None => self.defined_later(&scope, name)?,
        };
        Some(self.looked_up(&scope, name, found))
    }

    fn looked_up(&mut self, scope: &Scope<'a>, name: &str, found: Value<'a>) -> Value<'a> {
        if let Value::Either(several) = &found
            && several.iter().any(|one| matches!(one, Value::Imported(_)))
        {
            // One branch asked what the import is, and the other did not.
            let each: Vec<_> = several
                .iter()
                .map(|one| self.looked_up(scope, name, one.clone()))
                .collect();
            return Value::either(each);
        }
        let Value::Imported(import) = &found else {
            return found;
        };
        if self.importing.contains(import) {
            return Value::unknown(format!("`{name}` is imported in a circle"));
        }
        self.importing.push(Rc::clone(import));
        let value = self.imported(scope.module, import.0, &import.1);
        self.importing.pop();
        if matches!(value, Value::Unknown(_)) && !self.is_done(import.0) {
            // It may be known once that module has been run.
            return value;
        }
        let mut names = scope.names.borrow_mut();
        if let Some(Value::Imported(still)) = names.get(name)
            && Rc::ptr_eq(still, import)
        {
            names.insert(name.into(), value.clone());
        }
        value
    }

    /// Binds a name where it belongs.
    pub(super) fn bind(&mut self, scope: &Scope<'a>, name: &str, value: Value<'a>) {
        let mut home = Rc::clone(scope);
        if scope
            .elsewhere
            .borrow()
            .iter()
            .any(|other| &**other == name)
        {
            let mut around = scope.parent.clone();
            while let Some(outer) = around.take() {
                let here = outer.kind == ScopeKind::Module
                    || (outer.kind == ScopeKind::Function
                        && outer.names.borrow().contains_key(name));
                around.clone_from(&outer.parent);
                home = outer;
                if here {
                    break;
                }
            }
        }
        if home.kind == ScopeKind::Module {
            for value in value.alternatives() {
                if let Value::Object(object) = value {
                    name_object(object, home.module, name);
                }
            }
        }
        home.names.borrow_mut().insert(name.into(), value);
    }
}

fn name_object(object: &Rc<Object<'_>>, module: ModuleId, name: &str) {
    let mut known = object.name.borrow_mut();
    if known.is_none() {
        *known = Some((module, name.into()));
    }
}

/// A scope without names.
pub(super) fn scope<'a>(
    kind: ScopeKind,
    module: ModuleId,
    parent: Option<&Scope<'a>>,
    function: Option<Rc<Function<'a>>>,
) -> Scope<'a> {
    Rc::new(ScopeData {
        kind,
        module,
        names: RefCell::new(Names::default()),
        parent: parent.cloned(),
        elsewhere: RefCell::default(),
        function,
    })
}
