//! Code that decides about requests by walking `app.routes` itself.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Comprehension, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use crate::evaluate::value::Spot;

pub(super) static RULE: Rule = Rule {
    id: "walked-routes",
    severity: Severity::Warning,
    title: "Code that decides about requests walks the route table itself",
    explanation: "Code reads `app.routes` to find out which paths need a gate, or to put gates on routes. From \
FastAPI 0.137 on an included router is one entry of that list, without a path: such code sees nearly nothing, \
protects nothing, and says nothing. It happened to several projects at once. Put gates on routers and \
applications. To look at all routes, `fastapi.routing.iter_route_contexts` (0.137.2) tells them, and `sealgate \
routes inspect` does on every version.",
    broken: r#"from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

app = FastAPI()
router = APIRouter()


@router.get("/expenses")
async def expenses() -> list[str]:
    return []


app.include_router(router)
PROTECTED = {route.path for route in app.routes if route.path.startswith("/expenses")}


@app.middleware("http")
async def gate(request: Request, call_next):
    if request.scope["path"] in PROTECTED and "x-key" not in request.headers:
        return JSONResponse({"detail": "sign in"}, status_code=401)
    return await call_next(request)
"#,
    fixed: r#"from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request

KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


app = FastAPI()
router = APIRouter(dependencies=[Depends(signed_in)])


@router.get("/expenses")
async def expenses() -> list[str]:
    return []


app.include_router(router)
"#,
};

const HINT: &str = "put gates on routers and applications, which needs no list of routes";

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let sources = context.interpreter.sources;
    for module in sources.candidates() {
        let Some(loaded) = sources.load(module) else {
            continue;
        };
        if !decides(&loaded.text) {
            continue;
        }
        let mut walks = Walks { found: Vec::new() };
        walks.visit_body(&loaded.syntax.body);
        for range in walks.found {
            let spot = Spot::new(module, range);
            let message = format!(
                "`{}` sees no route of an included router from FastAPI 0.137 on",
                context.interpreter.source_of(spot)
            );
            findings.push(context.at(&RULE, spot, message, HINT));
        }
    }
}

/// Whether a file has to do with who may do what: it speaks of the two answers for that. Others walk the table
/// to name operations, and the like.
fn decides(text: &str) -> bool {
    ["401", "403", "Depends", "dependencies"]
        .iter()
        .any(|word| text.contains(word))
}

/// Loops over `.routes` that look at what a route's path or gates are.
struct Walks {
    found: Vec<TextRange>,
}

impl Walks {
    fn comprehension(&mut self, parts: &[&Expr], generators: &[Comprehension]) {
        for generator in generators {
            if !is_routes(&generator.iter) {
                continue;
            }
            let mut reads = Reads(false);
            for part in parts {
                reads.visit_expr(part);
            }
            for test in generators.iter().flat_map(|generator| &generator.ifs) {
                reads.visit_expr(test);
            }
            if reads.0 {
                self.found.push(generator.iter.range());
            }
        }
    }
}

impl<'a> Visitor<'a> for Walks {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::For(each) = statement
            && is_routes(&each.iter)
        {
            let mut reads = Reads(false);
            reads.visit_body(&each.body);
            if reads.0 {
                self.found.push(each.iter.range());
            }
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::ListComp(each) => self.comprehension(&[&each.elt], &each.generators),
            Expr::SetComp(each) => self.comprehension(&[&each.elt], &each.generators),
            Expr::Generator(each) => self.comprehension(&[&each.elt], &each.generators),
            Expr::DictComp(each) => {
                let mut parts: Vec<&Expr> = vec![&each.value];
                parts.extend(each.key.as_deref());
                self.comprehension(&parts, &each.generators);
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// Whether an expression is the route table of something: `app.routes`, `list(request.app.router.routes)`.
fn is_routes(expression: &Expr) -> bool {
    match expression {
        // A router by itself has none of the routes that it includes, and is walked where it is made.
        Expr::Attribute(attribute) => {
            attribute.attr.as_str() == "routes" && is_application(&attribute.value)
        }
        Expr::Call(call) => {
            let wraps = matches!(&*call.func, Expr::Name(name)
                if matches!(name.id.as_str(), "list" | "tuple" | "iter" | "reversed" | "enumerate"));
            wraps && call.arguments.args.first().is_some_and(is_routes)
        }
        _ => false,
    }
}

/// Whether an expression is an application by its words: `app`, `request.app`, `self._application.router`.
fn is_application(expression: &Expr) -> bool {
    match expression {
        Expr::Name(name) => name.id.to_ascii_lowercase().contains("app"),
        Expr::Attribute(attribute) => {
            attribute.attr.as_str().to_ascii_lowercase().contains("app")
                || is_application(&attribute.value)
        }
        Expr::Call(call) => is_application(&call.func),
        _ => false,
    }
}

/// Whether what a loop does looks at the path or the gates of a route.
struct Reads(bool);

impl<'a> Visitor<'a> for Reads {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        // `route.operation_id = ...` gives names to operations, whatever it makes them of.
        if let Stmt::Assign(assign) = statement
            && let [Expr::Attribute(target)] = &assign.targets[..]
            && !TOLD.contains(&target.attr.as_str())
        {
            return;
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(attribute) => {
                self.0 |= TOLD.contains(&attribute.attr.as_str());
            }
            Expr::StringLiteral(text) => self.0 |= TOLD.contains(&text.value.to_str()),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

const TOLD: &[&str] = &[
    "path",
    "path_format",
    "path_regex",
    "dependencies",
    "dependant",
    "matches",
];
