//! What it means to the caller that something is raised.

use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::Gates;
use super::status;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Class, Definition, Function, Object, Scope, Value};

/// What `except` clauses see of something raised.
#[derive(Clone)]
pub(super) enum Thrown<'a> {
    /// FastAPI's or Starlette's `HTTPException`.
    Http,
    /// Their `WebSocketException`.
    WebSocket,
    /// A class of the tree or of a library.
    Class(Value<'a>),
}

/// Something raised.
pub(super) struct Raised<'a> {
    pub(super) thrown: Thrown<'a>,
    /// The status that the caller is turned away with, if it is turned away.
    pub(super) denies: Option<u16>,
}

/// What `raise expression` may mean.
pub(super) fn raised<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &Gates<'a>,
    expression: &'a Expr,
    scope: &Scope<'a>,
) -> Vec<Raised<'a>> {
    let call = match expression {
        Expr::Call(call) => Some(call),
        _ => None,
    };
    let value = interpreter.evaluate(expression, scope);
    let mut found = Vec::new();
    for value in value.alternatives().to_vec() {
        found.extend(of_value(interpreter, gates, &value, call, scope));
    }
    // What the interpreter lost track of may still be called by a name that it knows.
    if found.is_empty()
        && let Some(call) = call
    {
        let callee = interpreter.evaluate(&call.func, scope);
        for callee in callee.alternatives().to_vec() {
            found.extend(of_value(interpreter, gates, &callee, Some(call), scope));
        }
    }
    found
}

fn of_value<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &Gates<'a>,
    value: &Value<'a>,
    call: Option<&'a ExprCall>,
    scope: &Scope<'a>,
) -> Option<Raised<'a>> {
    match value {
        Value::Made(made) => Some(external(
            interpreter,
            gates,
            &made.callee,
            Some(&made.arguments),
            call,
            scope,
        )),
        Value::External(path) => Some(external(interpreter, gates, path, None, call, scope)),
        Value::Object(object) => {
            let class = object.class.clone()?;
            Some(of_class(
                interpreter,
                gates,
                &class,
                Some(object),
                call,
                scope,
            ))
        }
        Value::Class(class) => Some(of_class(interpreter, gates, class, None, call, scope)),
        _ => None,
    }
}

/// The class of an exception of FastAPI or Starlette, whichever module it is imported from.
pub(super) fn framework_exception(path: &str) -> Option<Thrown<'static>> {
    let root = path.split('.').next()?;
    if root != "fastapi" && root != "starlette" {
        return None;
    }
    match path.rsplit('.').next()? {
        "HTTPException" => Some(Thrown::Http),
        "WebSocketException" => Some(Thrown::WebSocket),
        _ => None,
    }
}

fn external<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &Gates<'a>,
    path: &str,
    arguments: Option<&Arguments<'a>>,
    call: Option<&'a ExprCall>,
    scope: &Scope<'a>,
) -> Raised<'a> {
    let class = Value::External(path.into());
    match framework_exception(path) {
        Some(Thrown::Http) => Raised {
            thrown: Thrown::Http,
            denies: argument(interpreter, arguments, call, scope, "status_code"),
        },
        Some(Thrown::WebSocket) => Raised {
            thrown: Thrown::WebSocket,
            denies: argument(interpreter, arguments, call, scope, "code"),
        },
        _ => {
            let given = every_argument(interpreter, arguments, call, scope);
            let denies = handled(interpreter, gates, &class, &given);
            Raised {
                thrown: Thrown::Class(class),
                denies: denies.and_then(|answer| answer.0),
            }
        }
    }
}

/// The status among the arguments of a call: the first, or the one of this name.
fn argument<'a>(
    interpreter: &mut Interpreter<'a>,
    arguments: Option<&Arguments<'a>>,
    call: Option<&'a ExprCall>,
    scope: &Scope<'a>,
    name: &str,
) -> Option<u16> {
    if let Some(value) = arguments.and_then(|arguments| arguments.get(0, name)) {
        let known = status::of_value(value);
        if !known.is_empty() {
            return status::denial(&known);
        }
    }
    let expression = call?.arguments.find_argument_value(name, 0)?;
    status::denial(&status::of(interpreter, expression, scope))
}

fn every_argument<'a>(
    interpreter: &mut Interpreter<'a>,
    arguments: Option<&Arguments<'a>>,
    call: Option<&'a ExprCall>,
    scope: &Scope<'a>,
) -> Vec<i64> {
    let mut found = Vec::new();
    if let Some(arguments) = arguments {
        let keywords = arguments.keywords.iter().map(|(_, value)| value);
        for value in arguments.positional.iter().chain(keywords) {
            found.extend(status::of_value(value));
        }
    }
    if let Some(call) = call {
        for argument in &call.arguments.args {
            found.extend(status::of(interpreter, argument, scope));
        }
        for keyword in &call.arguments.keywords {
            found.extend(status::of(interpreter, &keyword.value, scope));
        }
    }
    found
}

/// What a handler answers an exception with: a denial, or something else.
struct Answer(Option<u16>);

/// What the application makes of an exception of this class: the status of the handler that it registered.
/// `None`: it has no handler for it.
fn handled<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &Gates<'a>,
    class: &Value<'a>,
    given: &[i64],
) -> Option<Answer> {
    let handler = gates
        .handlers
        .iter()
        .find_map(|(of, handler)| is_kind_of(interpreter, class, of).then(|| handler.clone()))?;
    let function = interpreter.function_of(&handler)?;
    Some(Answer(answer_of_handler(
        interpreter,
        gates,
        &function,
        given,
    )))
}

/// The denial that an exception handler answers with. One that answers with what the exception carries
/// denies when that does.
fn answer_of_handler<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &Gates<'a>,
    function: &Rc<Function<'a>>,
    given: &[i64],
) -> Option<u16> {
    let Definition::Function(definition) = function.definition else {
        return None;
    };
    let names: Vec<&str> = definition
        .parameters
        .iter()
        .map(|parameter| parameter.name().as_str())
        .collect();
    let exception = *names.last()?;
    let scope = interpreter.locals(function, None);
    let mut returns = Returns::default();
    returns.visit_body(&definition.body);
    for expression in returns.found {
        let answer = interpreter.evaluate(expression, &scope);
        if let Some(denial) = leads_to_sign_in(gates, &answer) {
            return Some(denial);
        }
        let Expr::Call(call) = expression else {
            let value = interpreter.evaluate(expression, &scope);
            if let Some(denial) = response_status(&value) {
                return Some(denial);
            }
            continue;
        };
        let position = usize::from(call.arguments.args.len() > 1);
        let Some(status) = call.arguments.find_argument_value("status_code", position) else {
            continue;
        };
        if let Some(denial) = status::denial(&status::of(interpreter, status, &scope)) {
            return Some(denial);
        }
        if mentions(status, exception) {
            return status::denial(given);
        }
    }
    None
}

/// The status of a redirect to where people sign in.
pub(super) fn leads_to_sign_in(gates: &Gates<'_>, value: &Value<'_>) -> Option<u16> {
    value.alternatives().iter().find_map(|value| {
        let Value::Made(made) = value else {
            return None;
        };
        if !made.callee.ends_with("RedirectResponse") {
            return None;
        }
        let url = made.arguments.get(0, "url")?.as_str()?;
        gates.is_login(url).then_some(401)
    })
}

/// The denial that a response of Starlette is, if it is one.
pub(super) fn response_status(value: &Value<'_>) -> Option<u16> {
    value.alternatives().iter().find_map(|value| {
        let Value::Made(made) = value else {
            return None;
        };
        let path = &made.callee;
        let root = path.split('.').next().unwrap_or_default();
        if !made.called || !path.ends_with("Response") || !matches!(root, "fastapi" | "starlette") {
            return None;
        }
        status::denial(&status::of_value(made.arguments.get(1, "status_code")?))
    })
}

/// Whether an exception of `class` is caught where `of` is.
pub(super) fn is_kind_of<'a>(
    interpreter: &mut Interpreter<'a>,
    class: &Value<'a>,
    of: &Value<'a>,
) -> bool {
    if class.same(of) {
        return true;
    }
    match of {
        Value::External(path) => {
            matches!(path.rsplit('.').next(), Some("Exception" | "BaseException"))
                || interpreter.inherits(class, path)
        }
        Value::Class(wanted) => descends(class, wanted, 0),
        Value::Sequence(several) => {
            let items = several.items.borrow().clone();
            items
                .iter()
                .any(|item| is_kind_of(interpreter, class, item))
        }
        Value::Either(several) => several
            .iter()
            .any(|item| is_kind_of(interpreter, class, item)),
        _ => false,
    }
}

fn descends<'a>(class: &Value<'a>, wanted: &Rc<Class<'a>>, depth: usize) -> bool {
    match class {
        Value::Class(class) => {
            Rc::ptr_eq(class, wanted)
                || depth < 16
                    && class
                        .bases
                        .iter()
                        .any(|base| descends(base, wanted, depth + 1))
        }
        _ => false,
    }
}

fn of_class<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &Gates<'a>,
    class: &Rc<Class<'a>>,
    object: Option<&Rc<Object<'a>>>,
    call: Option<&'a ExprCall>,
    scope: &Scope<'a>,
) -> Raised<'a> {
    let value = Value::Class(class.clone());
    let http = interpreter.inherits(&value, "fastapi.HTTPException")
        || interpreter.inherits(&value, "starlette.exceptions.HTTPException");
    let socket = interpreter.inherits(&value, "fastapi.WebSocketException")
        || interpreter.inherits(&value, "starlette.exceptions.WebSocketException");
    let mut given = Vec::new();
    if let Some(object) = object {
        let fields = object.fields.borrow();
        for name in ["status_code", "code", "status"] {
            if let Some(field) = fields.get(name) {
                given.extend(status::of_value(field));
            }
        }
    }
    given.extend(fixed(interpreter, &value));
    if given.is_empty() {
        given = every_argument(interpreter, None, call, scope);
    }
    if http || socket {
        let thrown = if http {
            Thrown::Http
        } else {
            Thrown::WebSocket
        };
        return Raised {
            thrown,
            denies: status::denial(&given),
        };
    }
    given.extend(every_argument(interpreter, None, call, scope));
    let denies = match handled(interpreter, gates, &value, &given) {
        Some(answer) => answer.0,
        None => status::denial(&fixed(interpreter, &value)),
    };
    Raised {
        thrown: Thrown::Class(value),
        denies,
    }
}

/// The status that every exception of a class has: a class attribute, or what its `__init__` hands on.
fn fixed<'a>(interpreter: &mut Interpreter<'a>, class: &Value<'a>) -> Vec<i64> {
    let mut found = Vec::new();
    for name in ["status_code", "status", "http_status", "code"] {
        let value = interpreter.attribute(class, name);
        found.extend(status::of_value(&value));
    }
    let initializer = interpreter.attribute(class, "__init__");
    let Some(function) = interpreter.function_of(&initializer) else {
        return found;
    };
    let Definition::Function(definition) = function.definition else {
        return found;
    };
    let scope = interpreter.locals(&function, None);
    let mut calls = InitCalls::default();
    calls.visit_body(&definition.body);
    for call in calls.found {
        // `super().__init__(401)`, and `HTTPException.__init__(self, 401)`.
        let first = usize::from(matches!(
            call.arguments.args.first(),
            Some(Expr::Name(name)) if name.id == "self"
        ));
        if let Some(status) = call.arguments.find_argument_value("status_code", first) {
            found.extend(status::of(interpreter, status, &scope));
        }
    }
    for (name, default) in &function.defaults {
        if matches!(&**name, "status_code" | "code" | "status") {
            found.extend(status::of_value(default));
        }
    }
    found
}

/// The expressions that a body returns; those of functions inside it are not its own.
#[derive(Default)]
pub(super) struct Returns<'e> {
    pub(super) found: Vec<&'e Expr>,
}

impl<'e> Visitor<'e> for Returns<'e> {
    fn visit_stmt(&mut self, statement: &'e Stmt) {
        match statement {
            Stmt::Return(returned) => self.found.extend(returned.value.as_deref()),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => walk_stmt(self, statement),
        }
    }
}

#[derive(Default)]
struct InitCalls<'e> {
    found: Vec<&'e ExprCall>,
}

impl<'e> Visitor<'e> for InitCalls<'e> {
    fn visit_expr(&mut self, expression: &'e Expr) {
        if let Expr::Call(call) = expression
            && matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "__init__")
        {
            self.found.push(call);
        }
        walk_expr(self, expression);
    }
}

/// Whether an expression mentions a name.
pub(super) fn mentions(expression: &Expr, name: &str) -> bool {
    struct Mentions<'n> {
        name: &'n str,
        found: bool,
    }
    impl<'e> Visitor<'e> for Mentions<'_> {
        fn visit_expr(&mut self, expression: &'e Expr) {
            self.found |= matches!(expression, Expr::Name(name) if name.id == self.name);
            walk_expr(self, expression);
        }
    }
    let mut search = Mentions { name, found: false };
    search.visit_expr(expression);
    search.found
}
