//! `dependency_overrides` outside of tests.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use crate::evaluate::value::Spot;

pub(super) static RULE: Rule = Rule {
    id: "overridden-dependency",
    severity: Severity::Warning,
    title: "A dependency is replaced outside of tests",
    explanation: "`app.dependency_overrides` is made for tests: whatever is put there runs instead of the \
dependency, a gate included, on every route. Whoever reads the route sees a gate that does not run. Choose the \
dependency where the application is put together, and keep the override in the tests.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []


app.dependency_overrides[signed_in] = lambda: "somebody"
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
};

const HINT: &str =
    "choose the dependency where the application is put together, and override it in tests only";

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let sources = context.interpreter.sources;
    for module in sources.candidates() {
        let Some(loaded) = sources.load(module) else {
            continue;
        };
        let mut overrides = Overrides(Vec::new());
        overrides.visit_body(&loaded.syntax.body);
        for range in overrides.0 {
            let spot = Spot::new(module, range);
            let message = format!(
                "`{}` replaces a dependency on every route",
                context.interpreter.source_of(spot)
            );
            findings.push(context.at(&RULE, spot, message, HINT));
        }
    }
}

struct Overrides(Vec<TextRange>);

impl<'a> Visitor<'a> for Overrides {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                let replaces = assign.targets.iter().any(|target| match target {
                    Expr::Subscript(subscript) => is_overrides(&subscript.value),
                    // Emptied again after a test.
                    target => is_overrides(target) && !is_empty(&assign.value),
                });
                if replaces {
                    self.0.push(assign.range());
                }
            }
            Stmt::Expr(call) => {
                if let Expr::Call(call) = &*call.value
                    && let Expr::Attribute(method) = &*call.func
                    && method.attr.as_str() == "update"
                    && is_overrides(&method.value)
                {
                    self.0.push(call.range());
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }
}

fn is_overrides(expression: &Expr) -> bool {
    matches!(expression, Expr::Attribute(attribute) if attribute.attr.as_str() == "dependency_overrides")
}

fn is_empty(value: &Expr) -> bool {
    match value {
        Expr::Dict(dict) => dict.items.is_empty(),
        Expr::Call(call) => call.arguments.is_empty(),
        _ => false,
    }
}
