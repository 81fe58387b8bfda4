//! An exception handler that answers a denial with success.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::Ranged;
use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use crate::evaluate::value::{Definition, Spot, Value};
use crate::framework::Framework;

pub(super) static RULE: Rule = Rule {
    id: "catch-all-handler",
    severity: Severity::Error,
    title: "An exception handler answers a denial with success",
    explanation: "A handler for `HTTPException`, or for every `Exception`, returns a response without giving its \
status, which is 200. Denials are exceptions too: callers who were denied get a success, caches keep it, monitoring \
sees nothing, and a client that looks at the status goes on. Hand the status of the exception on, and answer what is \
not expected with 500.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

app = FastAPI()


@app.exception_handler(HTTPException)
async def failed(request: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": str(error.detail)})
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

app = FastAPI()


@app.exception_handler(HTTPException)
async def failed(request: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": str(error.detail)}, status_code=error.status_code)
"#,
};

const HINT: &str = "hand the status of the exception on";

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let objects = context.interpreter.objects.clone();
    for object in &objects {
        let made = object.framework.borrow().clone();
        let Some(router) = made.as_deref().and_then(Framework::router) else {
            continue;
        };
        let handlers: Vec<(Value<'_>, Value<'_>)> = router
            .exception_handlers
            .borrow()
            .iter()
            .map(|handler| (handler.exception.clone(), handler.handler.clone()))
            .collect();
        for (exception, handler) in handlers {
            if !takes_denials(context, &exception) {
                continue;
            }
            let Some(function) = context.interpreter.function_of(&handler) else {
                continue;
            };
            let Definition::Function(def) = function.definition else {
                continue;
            };
            let scope = context.interpreter.locals(&function, None);
            let mut returned = Returned(Vec::new());
            returned.visit_body(&def.body);
            for call in returned.0 {
                let callee = context.interpreter.evaluate(&call.func, &scope);
                let Some(position) = status_position(&callee) else {
                    continue;
                };
                let given = call.arguments.find_argument_value("status_code", position);
                let status = match given {
                    Some(given) => context.interpreter.evaluate(given, &scope),
                    None => Value::Int(200),
                };
                if let Value::Int(status @ 200..=299) = status {
                    let name = context.interpreter.name_of(&exception);
                    let spot = Spot::new(function.module, call.range());
                    let message = format!(
                        "the handler of {name} answers {status}, also to callers who were denied"
                    );
                    findings.push(context.at(&RULE, spot, message, HINT));
                }
            }
        }
    }
}

/// Whether denials come to the handler of this: of an exception class, or of a status.
fn takes_denials<'a>(context: &mut Context<'_, 'a>, exception: &Value<'a>) -> bool {
    match exception {
        Value::Int(status) => matches!(status, 401 | 403),
        Value::External(name)
            if matches!(&**name, "builtins.Exception" | "builtins.BaseException") =>
        {
            true
        }
        other => context.interpreter.inherits(other, "fastapi.HTTPException"),
    }
}

/// Where a response class takes its status; `None` for what is no response class.
fn status_position(callee: &Value<'_>) -> Option<usize> {
    let Value::External(path) = callee else {
        return None;
    };
    let (package, name) = (path.split('.').next()?, path.rsplit('.').next()?);
    let framework = matches!(package, "fastapi" | "starlette");
    (framework && name.ends_with("Response") && name != "RedirectResponse").then_some(1)
}

/// The calls that a function returns the result of.
struct Returned<'a>(Vec<&'a ExprCall>);

impl<'a> Visitor<'a> for Returned<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Return(back) => {
                if let Some(value) = &back.value
                    && let Expr::Call(call) = &**value
                {
                    self.0.push(call);
                }
            }
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            _ => {}
        }
        walk_stmt(self, statement);
    }
}
