//! Assignments.

use std::rc::Rc;

use ruff_python_ast::{Expr, Operator, StmtAugAssign};
use ruff_text_size::Ranged;

use super::Interpreter;
use super::value::{Scope, Spot, Value};

impl<'a> Interpreter<'a> {
    /// Gives a value to a target: a name, an attribute, an item, or several of them.
    pub(super) fn assign(&mut self, target: &'a Expr, value: Value<'a>, scope: &Scope<'a>) {
        match target {
            Expr::Name(name) => self.bind(scope, name.id.as_str(), value),
            Expr::Starred(starred) => self.assign(&starred.value, value, scope),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, &value, scope),
            Expr::List(list) => self.unpack(&list.elts, &value, scope),
            Expr::Attribute(attribute) => {
                let owner = self.evaluate(&attribute.value, scope);
                self.set_attribute(&owner, attribute.attr.as_str(), &value);
            }
            Expr::Subscript(subscript) => {
                let owner = self.evaluate(&subscript.value, scope);
                let key = self.evaluate(&subscript.slice, scope);
                for owner in owner.alternatives() {
                    if let Value::Dict(dict) = owner {
                        let mut items = dict.items.borrow_mut();
                        let sure = self.conditions.len() <= dict.born;
                        match items.iter_mut().find(|(known, _)| known.same(&key)) {
                            Some(item) if sure => item.1 = value.clone(),
                            Some(item) => item.1 = Value::either([item.1.clone(), value.clone()]),
                            None if sure => items.push((key.clone(), value.clone())),
                            None => items.push((key.clone(), value.clone().optional())),
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn unpack(&mut self, targets: &'a [Expr], value: &Value<'a>, scope: &Scope<'a>) {
        let (items, open) = self.items_of(value);
        let starred = targets.iter().position(Expr::is_starred_expr);
        let after = starred.map_or(0, |at| targets.len() - at - 1);
        for (at, target) in targets.iter().enumerate() {
            let value = match starred {
                Some(star) if at == star => {
                    let end = items.len().saturating_sub(after);
                    Value::list(items.get(at..end).unwrap_or_default().to_vec())
                }
                Some(star) if at > star => (items.len() + at)
                    .checked_sub(targets.len())
                    .and_then(|at| items.get(at).cloned())
                    .unwrap_or_else(|| Value::unknown("it is one of several that are not known")),
                _ => items.get(at).cloned().unwrap_or_else(|| {
                    let why = open.clone();
                    Value::Unknown(why.unwrap_or_else(|| "it is not one of those known".into()))
                }),
            };
            self.assign(target, value, scope);
        }
    }

    pub(super) fn set_attribute(&mut self, owner: &Value<'a>, name: &str, value: &Value<'a>) {
        for owner in owner.alternatives() {
            match owner {
                Value::Object(object) => {
                    let framework = object.framework.borrow().is_some();
                    if framework
                        && !self.quiet
                        && crate::framework::set_attribute(self, object, name, value)
                    {
                        continue;
                    }
                    if !self.quiet {
                        object
                            .fields
                            .borrow_mut()
                            .insert(name.into(), value.clone());
                    }
                }
                Value::Class(class) if !self.quiet => {
                    class
                        .scope
                        .names
                        .borrow_mut()
                        .insert(name.into(), value.clone());
                }
                Value::Module(module) if !self.quiet => {
                    let scope = self.module_scope(*module);
                    self.bind(&scope, name, value.clone());
                }
                Value::Function(function) if name == "__wrapped__" => {
                    function.wrap(value.clone());
                }
                _ => {}
            }
        }
    }

    pub(super) fn augment(&mut self, assign: &'a StmtAugAssign, scope: &Scope<'a>) {
        let before = self.evaluate(&assign.target, scope);
        let more = self.evaluate(&assign.value, scope);
        if let (Operator::Add, Value::Sequence(list), false) = (assign.op, &before, self.quiet) {
            let (items, open) = self.items_of(&more);
            let items: Vec<_> = items
                .into_iter()
                .map(|item| self.added(list, item))
                .collect();
            list.items.borrow_mut().extend(items);
            if let Some(why) = open {
                *list.open.borrow_mut() = Some(why);
            }
            return;
        }
        let spot = Spot::new(scope.module, assign.range());
        let after = self.binary(assign.op, &before, &more, spot);
        self.assign(&assign.target, after, scope);
    }

    /// The items of what is looped over or unpacked, and why there may be more.
    pub(crate) fn items_of(&mut self, value: &Value<'a>) -> (Vec<Value<'a>>, Option<Rc<str>>) {
        match value {
            Value::Sequence(sequence) => (
                sequence.items.borrow().clone(),
                sequence.open.borrow().clone(),
            ),
            Value::Dict(dict) => {
                let keys = dict
                    .items
                    .borrow()
                    .iter()
                    .map(|(key, _)| key.clone())
                    .collect();
                (keys, dict.open.borrow().clone())
            }
            Value::Either(several) => {
                let several = Rc::clone(several);
                let mut all: Vec<Vec<Value<'a>>> = Vec::new();
                let mut open = None;
                for one in several.iter() {
                    let (items, why) = self.items_of(one);
                    all.push(items);
                    open = open.or(why);
                }
                (together(&all), open)
            }
            Value::None => (Vec::new(), None),
            Value::Class(class) => {
                // The members of an enumeration.
                let names = class.scope.names.borrow();
                let members = names.iter().filter(|(name, value)| {
                    !name.starts_with('_') && matches!(value, Value::Str(_) | Value::Int(_))
                });
                (members.map(|(_, value)| value.clone()).collect(), None)
            }
            Value::Unknown(why) => (Vec::new(), Some(Rc::clone(why))),
            _ => (Vec::new(), Some("what is in it is not known".into())),
        }
    }
}

/// The items of one of several lists, which is not known. What is not in all of them may be missing.
fn together<'a>(all: &[Vec<Value<'a>>]) -> Vec<Value<'a>> {
    let mut items: Vec<Value<'a>> = Vec::new();
    for (at, list) in all.iter().enumerate() {
        for item in list {
            let within = |list: &Vec<Value<'a>>| list.iter().any(|other| other.same(item));
            if all[..at].iter().any(within) {
                continue;
            }
            let sure = all.iter().all(within);
            items.push(if sure {
                item.clone()
            } else {
                item.clone().optional()
            });
        }
    }
    items
}
