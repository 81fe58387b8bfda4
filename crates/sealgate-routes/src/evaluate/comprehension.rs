//! Comprehensions: loops that make lists and dictionaries.

use std::cell::RefCell;
use std::rc::Rc;

use ruff_python_ast::{Comprehension, Expr, ExprDictComp};

use super::scope::scope as new_scope;
use super::value::{Dict, Scope, ScopeKind, Sequence, Value};
use super::{Interpreter, MOST_ROUNDS};

impl<'a> Interpreter<'a> {
    pub(super) fn comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [Comprehension],
        scope: &Scope<'a>,
    ) -> Value<'a> {
        let inner = new_scope(
            ScopeKind::Function,
            scope.module,
            Some(scope),
            scope.function.clone(),
        );
        let mut items = Vec::new();
        let mut open = None;
        self.generate(generators, &inner, &mut open, &mut |this, inner| {
            items.push(this.evaluate(element, inner));
        });
        Value::Sequence(Rc::new(Sequence {
            born: self.conditions.len(),
            items: RefCell::new(items),
            open: RefCell::new(open),
        }))
    }

    pub(super) fn dict_comprehension(
        &mut self,
        each: &'a ExprDictComp,
        scope: &Scope<'a>,
    ) -> Value<'a> {
        let inner = new_scope(
            ScopeKind::Function,
            scope.module,
            Some(scope),
            scope.function.clone(),
        );
        let mut items = Vec::new();
        let mut open = None;
        self.generate(&each.generators, &inner, &mut open, &mut |this, inner| {
            let value = this.evaluate(&each.value, inner);
            let key = match &each.key {
                Some(key) => this.evaluate(key, inner),
                None => Value::unknown("it is taken from another dictionary"),
            };
            items.push((key, value));
        });
        Value::Dict(Rc::new(Dict {
            born: self.conditions.len(),
            items: RefCell::new(items),
            open: RefCell::new(open),
        }))
    }

    fn generate(
        &mut self,
        generators: &'a [Comprehension],
        scope: &Scope<'a>,
        open: &mut Option<Rc<str>>,
        make: &mut dyn FnMut(&mut Self, &Scope<'a>),
    ) {
        let Some((first, rest)) = generators.split_first() else {
            make(self, scope);
            return;
        };
        let over = self.evaluate(&first.iter, scope);
        let (items, why) = self.items_of(&over);
        if let Some(why) = why {
            *open = Some(why);
        }
        for item in items.into_iter().take(MOST_ROUNDS) {
            self.assign(&first.target, item, scope);
            let mut kept = true;
            for test in &first.ifs {
                match self.decide(test, scope) {
                    Some(true) => {}
                    Some(false) => kept = false,
                    None => {
                        self.evaluate(test, scope);
                    }
                }
            }
            if kept {
                self.generate(rest, scope, open, make);
            }
        }
    }
}
