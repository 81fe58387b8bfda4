//! What stands in for a gate that could not be imported.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtTry};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashSet;
use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use crate::evaluate::value::Spot;

pub(super) static RULE: Rule = Rule {
    id: "gate-fallback",
    severity: Severity::Error,
    title: "A gate that cannot be imported is replaced by nothing",
    explanation: "An import that fails is caught, and the gate, or `Depends` itself, becomes something that does \
nothing. A package that is missing in production, or a name that moved in a new version, then opens every route, and \
nothing fails. Let the import fail: an application that does not start is better than one without a gate.",
    broken: r#"from fastapi import Depends, FastAPI

try:
    from company.auth import signed_in
except ImportError:

    def signed_in():
        return None


app = FastAPI()


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
    fixed: r#"from company.auth import signed_in
from fastapi import Depends, FastAPI

app = FastAPI()


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
};

const HINT: &str =
    "let the import fail: an application that does not start is better than one without a gate";

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let sources = context.interpreter.sources;
    for module in sources.candidates() {
        let Some(loaded) = sources.load(module) else {
            continue;
        };
        let mut depended = Depended::default();
        depended.visit_body(&loaded.syntax.body);
        let mut fallbacks = Fallbacks {
            depended: &depended.0,
            found: Vec::new(),
        };
        fallbacks.visit_body(&loaded.syntax.body);
        for (range, name) in fallbacks.found {
            let message = format!(
                "`{name}` is replaced by something that does nothing when it cannot be imported"
            );
            findings.push(context.at(&RULE, Spot::new(module, range), message, HINT));
        }
    }
}

/// Names that something depends on: `Depends(name)`.
#[derive(Default)]
struct Depended<'a>(FxHashSet<&'a str>);

impl<'a> Visitor<'a> for Depended<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Expr::Name(callee) = &*call.func
            && matches!(callee.id.as_str(), "Depends" | "Security")
        {
            self.0.insert(callee.id.as_str());
            if let Some(Expr::Name(name)) = call.arguments.args.first() {
                self.0.insert(name.id.as_str());
            }
        }
        walk_expr(self, expression);
    }
}

struct Fallbacks<'d, 'a> {
    depended: &'d FxHashSet<&'a str>,
    found: Vec<(TextRange, &'a str)>,
}

impl<'a> Visitor<'a> for Fallbacks<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Try(attempt) = statement {
            self.attempt(attempt);
        }
        walk_stmt(self, statement);
    }
}

impl<'a> Fallbacks<'_, 'a> {
    fn attempt(&mut self, attempt: &'a StmtTry) {
        let imported: FxHashSet<&str> = attempt
            .body
            .iter()
            .flat_map(|statement| match statement {
                Stmt::ImportFrom(import) => import
                    .names
                    .iter()
                    .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str())
                    .collect(),
                _ => Vec::new(),
            })
            .collect();
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            for statement in &handler.body {
                let replaced = match statement {
                    Stmt::FunctionDef(def) if !denies(&def.body) => Some(def.name.as_str()),
                    Stmt::Assign(assign) if does_nothing(&assign.value) => {
                        match &assign.targets[..] {
                            [Expr::Name(name)] => Some(name.id.as_str()),
                            _ => None,
                        }
                    }
                    _ => None,
                };
                if let Some(name) = replaced
                    && imported.contains(name)
                    && self.depended.contains(name)
                {
                    self.found.push((statement.range(), name));
                }
            }
        }
    }
}

fn does_nothing(value: &Expr) -> bool {
    matches!(value, Expr::Lambda(_) | Expr::NoneLiteral(_))
}

/// Whether a stand-in raises something, whatever it is.
fn denies(body: &[Stmt]) -> bool {
    struct Raises(bool);
    impl<'a> Visitor<'a> for Raises {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            self.0 |= matches!(statement, Stmt::Raise(_));
            walk_stmt(self, statement);
        }
    }
    let mut raises = Raises(false);
    raises.visit_body(body);
    raises.0
}
