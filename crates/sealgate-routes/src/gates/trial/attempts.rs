//! What is raised on the stranger's way, and what catches it.

use std::rc::Rc;

use ruff_python_ast::{ExceptHandler, Expr};

use super::statements::bind;
use super::{Kind, Level, Outcome, State, Trial};
use crate::evaluate::value::Value;

impl<'a> Trial<'_, 'a> {
    pub(super) fn with(
        &mut self,
        with: &'a ruff_python_ast::StmtWith,
        mut state: State,
    ) -> Outcome {
        let mut suppresses: Vec<Rc<str>> = Vec::new();
        for item in &with.items {
            if let Expr::Call(call) = &item.context_expr
                && matches!(self.value(&call.func), Value::External(path) if path.ends_with("suppress"))
            {
                for argument in &call.arguments.args {
                    let name = self.class_name(argument);
                    suppresses.push(name);
                }
                continue;
            }
            self.entering = true;
            let kind = self.kind(&item.context_expr, &mut state);
            self.entering = false;
            if let Some(target) = &item.optional_vars {
                bind(&mut state, target, kind);
            }
        }
        let over = self.settle(state);
        let Some(state) = over.falls.clone() else {
            return over;
        };
        let mut found = self.block(&with.body, state.clone());
        if found
            .raises
            .iter()
            .any(|raised| suppresses.iter().any(|of| catches(of, raised)))
        {
            found.raises.clear();
            found = found.or(Outcome::falls(state));
        }
        found
    }

    pub(super) fn attempt(
        &mut self,
        attempt: &'a ruff_python_ast::StmtTry,
        state: &State,
    ) -> Outcome {
        let mut found = self.block(&attempt.body, state.clone());
        let known = found.falls.clone();
        if let Some(state) = found.falls.take() {
            let next = self.block(&attempt.orelse, state);
            found = found.or(next);
        }
        let raised = std::mem::take(&mut found.raises);
        let mut through: Vec<Rc<str>> = Vec::new();
        let mut caught = Outcome::default();
        for class in &raised {
            let mut held = false;
            for handler in &attempt.handlers {
                let ExceptHandler::ExceptHandler(handler) = handler;
                let names = match handler.type_.as_deref() {
                    None => vec!["Exception".into()],
                    Some(Expr::Tuple(several)) => {
                        several.elts.iter().map(|of| self.class_name(of)).collect()
                    }
                    Some(of) => vec![self.class_name(of)],
                };
                let broad = names.iter().any(|name| is_broad(name));
                if !names.iter().any(|name| catches(name, class)) {
                    continue;
                }
                let mut inner = known.clone().unwrap_or_else(|| state.clone());
                inner.level = state.level;
                inner.why.clone_from(&state.why);
                // What the `try` would have bound is as it was, or was never there.
                for (name, kind) in &mut inner.kinds {
                    *kind = state.kinds.get(name).copied().unwrap_or(*kind);
                }
                if !broad && &**class == "?" && attempt.handlers.len() > 1 {
                    let why: Rc<str> = "an error is caught, and the request goes on".into();
                    inner = inner.lowered(Level::Perhaps, &why);
                }
                if let Some(name) = &handler.name {
                    inner.kinds.insert(name.as_str().into(), Kind::Plain);
                }
                let mut done = self.block(&handler.body, inner);
                if let Some(fallen) = &mut done.falls
                    && fallen.level == Level::Perhaps
                {
                    fallen.level = state.level;
                    fallen.why.clone_from(&state.why);
                }
                through.append(&mut done.raises);
                caught = caught.or(done);
                held |= broad || &**class != "?";
                // What is known by name goes to the first that fits.
                if &**class != "?" || broad {
                    break;
                }
            }
            if !held {
                through.push(class.clone());
            }
        }
        if !raised.is_empty() && through.is_empty() && caught.falls.is_some() {
            found.stops = false;
        }
        let mut found = found.or(caught);
        found.raises = through;
        found.raises.sort();
        found.raises.dedup();
        if attempt.finalbody.is_empty() {
            return found;
        }
        let last = self.block(&attempt.finalbody, state.clone());
        if last.falls.is_none() {
            // A `return` there drops what was raised.
            return last;
        }
        found
    }

    /// The last part of the name of what is raised or caught.
    pub(super) fn class_name(&mut self, of: &'a Expr) -> Rc<str> {
        let of = match of {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        match of {
            Expr::Name(name) => {
                let value = self.value(of);
                let made = value.alternatives().iter().find_map(|one| match one {
                    Value::Made(made) => made.callee.rsplit('.').next().map(Rc::from),
                    Value::Object(object) => {
                        object.class.as_ref().map(|class| class.qualname.clone())
                    }
                    Value::External(path) => path.rsplit('.').next().map(Rc::from),
                    _ => None,
                });
                made.unwrap_or_else(|| name.id.as_str().into())
            }
            Expr::Attribute(attribute) => attribute.attr.as_str().into(),
            _ => "?".into(),
        }
    }
}

fn is_broad(name: &str) -> bool {
    matches!(name, "Exception" | "BaseException")
}

/// Whether a clause for one class catches another, as far as names tell.
fn catches(of: &str, raised: &str) -> bool {
    of == raised
        || is_broad(of)
        || raised == "?" && !of.ends_with("HTTPException")
        || of.ends_with("HTTPException") && raised.ends_with("HTTPException")
        || of == "AssertionError" && raised == "?"
}
