//! What is raised or answered in a body, whom it meets, and whether something around catches it.

use ruff_python_ast::{ExceptHandler, Expr, Stmt};
use ruff_text_size::Ranged;
use sealgate_inventory::Strength;

use super::{Denial, Suppressed, Walker};
use crate::evaluate::value::Value;
use crate::gates::bearing::Bearing;
use crate::gates::judgement::{Flaw, FlawKind};
use crate::gates::raised::{Thrown, is_kind_of, raised};
use crate::gates::strength::Reader;

impl<'a> Walker<'_, 'a> {
    pub(in crate::gates) fn raise(&mut self, statement: &'a Stmt, exception: &'a Expr) {
        if let Expr::Name(name) = exception
            && self.caught_as.iter().any(|caught| **caught == *name.id)
        {
            return;
        }
        let scope = self.scope.clone();
        let found = raised(self.interpreter, self.gates, exception, &scope);
        let mut denied = false;
        for raised in found {
            if let Some(status) = raised.denies {
                denied = true;
                self.deny(status, Some(raised.thrown), statement);
            }
        }
        // A WebSocket that is closed before something is raised, whatever is raised.
        if !denied && self.closing.is_some() {
            self.deny(1008, Some(Thrown::WebSocket), statement);
        }
    }

    /// Notes that callers are turned away here, if nothing catches it.
    pub(in crate::gates) fn deny(
        &mut self,
        status: u16,
        thrown: Option<Thrown<'a>>,
        node: impl Ranged,
    ) {
        let spot = self.spot(node);
        if status == 401 || status == 403 {
            self.denies_only_if_set();
        }
        let strength = self.asked(status);
        let denial = Denial {
            status,
            thrown,
            spot,
            anonymous: !self.denies_only_who_brings_something(),
            configured: self.is_under(Bearing::Configured),
            only_if: self.only_if(),
            shaped: self.is_under(Bearing::Shape),
            strength,
        };
        self.escape(denial);
    }

    /// Whether a denial here is only met by who brings something. `if error: raise` is met by those about whom
    /// something was found out, whatever that is called.
    pub(in crate::gates) fn denies_only_who_brings_something(&self) -> bool {
        let mut conditions = &self.conditions[..];
        if let Some((last, before)) = conditions.split_last()
            && !last.early
            && last.holds
            && matches!(last.test, Expr::Name(_))
        {
            conditions = before;
        }
        conditions.iter().any(|condition| {
            self.taint.bearing(condition.test, condition.holds) == Bearing::Present
        })
    }

    pub(in crate::gates) fn asked(&mut self, status: u16) -> Strength {
        let conditions = self.conditions.clone();
        let scope = self.scope.clone();
        Reader {
            interpreter: self.interpreter,
            scope: &scope,
            taint: &self.taint,
            bindings: &self.bindings,
        }
        .asked(&conditions, status)
    }

    pub(in crate::gates) fn escape(&mut self, denial: Denial<'a>) {
        if denial.thrown.is_some() && self.is_caught(&denial) {
            return;
        }
        let same = self.out.denials.iter_mut().find(|known| {
            known.spot == denial.spot
                && known.anonymous == denial.anonymous
                && known.configured == denial.configured
        });
        match same {
            Some(known) if denial.only_if.is_none() => known.only_if = None,
            Some(_) => {}
            None => self.out.denials.push(denial),
        }
    }

    /// Whether something around catches a denial and does not raise it again.
    pub(in crate::gates) fn is_caught(&mut self, denial: &Denial<'a>) -> bool {
        for index in (0..self.frames.len()).rev() {
            if let Some(what) = self.frames[index].suppresses.clone() {
                let caught = match what {
                    Suppressed::All => true,
                    Suppressed::Some(of) => self.catches(Some(of), denial),
                };
                if caught {
                    self.out.flaws.push(Flaw {
                        kind: FlawKind::SwallowedDenial,
                        spot: denial.spot,
                        text: "it is suppressed".into(),
                    });
                    return true;
                }
            }
            let handlers = self.frames[index].handlers;
            for (number, handler) in handlers.iter().enumerate() {
                let ExceptHandler::ExceptHandler(handler) = handler;
                let of = handler.type_.as_deref().map(|of| self.value(of));
                if !self.catches(of, denial) {
                    continue;
                }
                if raises_again(
                    &handler.body,
                    handler
                        .name
                        .as_ref()
                        .map(ruff_python_ast::Identifier::as_str),
                ) {
                    break;
                }
                self.frames[index].caught.push((number, denial.spot));
                return true;
            }
        }
        false
    }

    pub(in crate::gates) fn catches(&mut self, of: Option<Value<'a>>, denial: &Denial<'a>) -> bool {
        let Some(of) = of else {
            return true;
        };
        let thrown = match &denial.thrown {
            Some(Thrown::Http) => Value::External("starlette.exceptions.HTTPException".into()),
            Some(Thrown::WebSocket) => {
                Value::External("starlette.exceptions.WebSocketException".into())
            }
            Some(Thrown::Class(class)) => class.clone(),
            None => return false,
        };
        let items = match &of {
            Value::Sequence(several) => several.items.borrow().clone(),
            other => other.alternatives().to_vec(),
        };
        items.iter().any(|item| {
            if let (Value::External(path), Some(kind)) = (item, &denial.thrown) {
                let last = path.rsplit('.').next();
                let framework = matches!(path.split('.').next(), Some("fastapi" | "starlette"));
                match (kind, last) {
                    (_, Some("Exception" | "BaseException")) => return true,
                    (Thrown::Http, Some("HTTPException"))
                    | (Thrown::WebSocket, Some("WebSocketException"))
                        if framework =>
                    {
                        return true;
                    }
                    _ => {}
                }
            }
            is_kind_of(self.interpreter, &thrown, item)
        })
    }
}

/// Whether a handler raises what it caught.
fn raises_again(body: &[Stmt], name: Option<&str>) -> bool {
    struct Again<'n> {
        name: Option<&'n str>,
        found: bool,
    }
    impl<'e> ruff_python_ast::visitor::Visitor<'e> for Again<'_> {
        fn visit_stmt(&mut self, statement: &'e Stmt) {
            match statement {
                Stmt::Raise(raise) => {
                    self.found |= match raise.exc.as_deref() {
                        None => true,
                        Some(Expr::Name(raised)) => self.name == Some(raised.id.as_str()),
                        Some(_) => false,
                    }
                }
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _ => ruff_python_ast::visitor::walk_stmt(self, statement),
            }
        }
    }
    let mut search = Again { name, found: false };
    for statement in body {
        ruff_python_ast::visitor::Visitor::visit_stmt(&mut search, statement);
    }
    search.found
}
