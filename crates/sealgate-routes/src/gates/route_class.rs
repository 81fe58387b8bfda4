//! Classes of routes of a project's own: `get_route_handler` stands around everything that FastAPI does for a
//! route, its dependencies too, and may catch what they raise.

use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtFunctionDef, StmtTry};
use ruff_text_size::Ranged;

use super::judgement::{Flaw, FlawKind};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Spot, Value};

/// What becomes of a denial in the class of a route.
pub(super) struct Caught {
    /// `module:Class.get_route_handler`
    pub(super) name: Rc<str>,
    pub(super) why: Rc<str>,
    pub(super) spot: Spot,
    /// Where it is certain that the answer is no denial.
    pub(super) flaw: Option<Flaw>,
}

/// What the class of a route does to denials, if it does, or may do, anything.
pub(super) fn caught<'a>(interpreter: &mut Interpreter<'a>, class: &Value<'a>) -> Option<Caught> {
    for one in class.alternatives() {
        let Value::Class(class) = one else { continue };
        for class in interpreter.bases(class) {
            let handler = class
                .definition
                .body
                .iter()
                .find_map(|statement| match statement {
                    Stmt::FunctionDef(definition)
                        if definition.name.as_str() == "get_route_handler" =>
                    {
                        Some(definition)
                    }
                    _ => None,
                });
            let Some(handler) = handler else { continue };
            let name = interpreter.name_of(&Value::Class(class.clone()));
            let name: Rc<str> = format!("{name}.get_route_handler").into();
            let spot = |range| Spot::new(class.module, range);
            match look(handler) {
                Look::Fine => {}
                Look::Unsure => {
                    return Some(Caught {
                        why: format!("`{name}` may catch what the gates before it raise").into(),
                        name,
                        spot: spot(handler.range),
                        flaw: None,
                    });
                }
                Look::NotCalled => {
                    return Some(Caught {
                        why: format!("`{name}` does not call the one that runs dependencies")
                            .into(),
                        name,
                        spot: spot(handler.range),
                        flaw: None,
                    });
                }
                Look::Answers(clause) => {
                    let text = match clause {
                        ExceptHandler::ExceptHandler(clause) => clause.type_.as_deref(),
                    };
                    let text = text.map_or_else(
                        || "except:".to_owned(),
                        |of| interpreter.source_of(spot(of.range())),
                    );
                    return Some(Caught {
                        why: format!("`{name}` answers with success to what a gate raises").into(),
                        name,
                        spot: spot(handler.range),
                        flaw: Some(Flaw {
                            kind: FlawKind::SwallowedDenial,
                            spot: spot(clause.range()),
                            text: text.into(),
                        }),
                    });
                }
            }
        }
    }
    None
}

enum Look<'e> {
    Fine,
    Unsure,
    NotCalled,
    Answers(&'e ExceptHandler),
}

fn look(handler: &StmtFunctionDef) -> Look<'_> {
    let mut search = Search::default();
    search.visit_body(&handler.body);
    if !search.calls {
        return Look::NotCalled;
    }
    let mut found = Look::Fine;
    for attempt in search.attempts {
        let returns = |statement: &Stmt| {
            let mut ends = Search::default();
            ends.visit_stmt(statement);
            !ends.returns.is_empty()
        };
        if attempt.finalbody.iter().any(returns) {
            return Look::Unsure;
        }
        // What catches denials first is what gets them.
        let first = attempt.handlers.iter().find(|clause| {
            let ExceptHandler::ExceptHandler(clause) = clause;
            clause.type_.as_deref().is_none_or(catches)
        });
        let Some(clause) = first else { continue };
        match of_clause(clause) {
            Look::Fine => {}
            Look::Answers(clause) => return Look::Answers(clause),
            other => found = other,
        }
    }
    if search.suppresses {
        return Look::Unsure;
    }
    found
}

/// What a clause that catches denials does with them.
fn of_clause(clause: &ExceptHandler) -> Look<'_> {
    let ExceptHandler::ExceptHandler(inner) = clause;
    if super::body::always_raises(&inner.body) {
        return Look::Fine;
    }
    let mut search = Search::default();
    search.visit_body(&inner.body);
    let ends = matches!(inner.body.last(), Some(Stmt::Return(_) | Stmt::Raise(_)));
    let mut found = if ends { Look::Fine } else { Look::Unsure };
    let caught = inner.name.as_ref().map(ruff_python_ast::Identifier::as_str);
    for value in search.returns {
        match answer(value, caught) {
            Some(false) => {}
            Some(true) if search.others == 0 => return Look::Answers(clause),
            _ => found = Look::Unsure,
        }
    }
    found
}

/// Whether an answer is one of success, where that can be told.
fn answer(value: Option<&Expr>, caught: Option<&str>) -> Option<bool> {
    let Expr::Call(call) = value? else {
        return None;
    };
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return None,
    };
    // A redirect may lead to where people sign in.
    if !name.ends_with("Response") || name == "RedirectResponse" {
        return None;
    }
    let status = call.arguments.find_argument_value("status_code", 1);
    match status {
        None => Some(true),
        Some(Expr::NumberLiteral(number)) => match &number.value {
            ruff_python_ast::Number::Int(int) => int.as_u16().map(|status| status < 400),
            _ => None,
        },
        // `error.status_code`, whatever a gate said.
        Some(Expr::Attribute(attribute)) if attribute.attr.as_str() == "status_code" => {
            let same =
                matches!(&*attribute.value, Expr::Name(name) if Some(name.id.as_str()) == caught);
            same.then_some(false)
        }
        Some(Expr::Attribute(attribute)) => {
            let code = attribute.attr.as_str().strip_prefix("HTTP_")?.get(..3)?;
            code.parse::<u16>().ok().map(|status| status < 400)
        }
        Some(_) => None,
    }
}

/// Whether a clause for this catches `HTTPException`.
fn catches(of: &Expr) -> bool {
    match of {
        Expr::Tuple(several) => several.elts.iter().any(catches),
        Expr::Name(name) => is_broad(name.id.as_str()),
        Expr::Attribute(attribute) => is_broad(attribute.attr.as_str()),
        // Something that is worked out.
        _ => true,
    }
}

fn is_broad(name: &str) -> bool {
    matches!(name, "Exception" | "BaseException") || name.ends_with("HTTPException")
}

/// What a body has.
#[derive(Default)]
struct Search<'e> {
    attempts: Vec<&'e StmtTry>,
    returns: Vec<Option<&'e Expr>>,
    /// Branches and loops, in which it depends what is done.
    others: usize,
    /// `super().get_route_handler()`
    calls: bool,
    suppresses: bool,
}

impl<'e> Visitor<'e> for Search<'e> {
    fn visit_stmt(&mut self, statement: &'e Stmt) {
        match statement {
            Stmt::Try(attempt) if awaits(&attempt.body) => self.attempts.push(attempt),
            Stmt::Return(returned) => self.returns.push(returned.value.as_deref()),
            Stmt::If(_) | Stmt::For(_) | Stmt::While(_) | Stmt::Match(_) | Stmt::Try(_) => {
                self.others += 1;
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'e Expr) {
        match expression {
            Expr::Attribute(attribute) if attribute.attr.as_str() == "get_route_handler" => {
                self.calls = true;
            }
            Expr::Attribute(attribute) if attribute.attr.as_str() == "suppress" => {
                self.suppresses = true;
            }
            Expr::Name(name) if name.id == "suppress" => self.suppresses = true,
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// Whether something is awaited there: the handler of the class above, for one.
fn awaits(body: &[Stmt]) -> bool {
    struct Awaits(bool);
    impl<'e> Visitor<'e> for Awaits {
        fn visit_expr(&mut self, expression: &'e Expr) {
            self.0 |= matches!(expression, Expr::Await(_));
            walk_expr(self, expression);
        }
    }
    let mut search = Awaits(false);
    search.visit_body(body);
    search.0
}
