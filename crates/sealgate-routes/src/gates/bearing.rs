//! What of a function comes from the caller, and what a condition says about the caller.

use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};
use rustc_hash::FxHashSet;

/// What the names of a function hold.
#[derive(Clone, Default, Debug)]
pub(super) struct Taint {
    /// The request, connection, WebSocket or ASGI scope itself.
    pub(super) carriers: FxHashSet<Rc<str>>,
    /// Something that a caller identifies itself by, or that was made of it.
    pub(super) credentials: FxHashSet<Rc<str>>,
    /// The path of the request.
    pub(super) paths: FxHashSet<Rc<str>>,
}

/// What a condition says about the caller where it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bearing {
    /// The caller brings nothing.
    Absent,
    /// The caller brings something.
    Present,
    /// Something about what the caller brings.
    Judged,
    /// Something about the request that is no credential: its path or method.
    Shape,
    /// Nothing about the request.
    Configured,
}

/// What of a request identifies its caller.
const SOURCES: [&str; 7] = [
    "headers",
    "cookies",
    "user",
    "auth",
    "session",
    "state",
    "query_params",
];

/// Headers and cookies that everybody can set to what is expected, and that identify nobody.
pub(super) fn identifies(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let plain = [
        "origin",
        "referer",
        "referrer",
        "host",
        "user-agent",
        "upgrade",
        "connection",
        "x-request-id",
        "x-real-ip",
        "x-requested-with",
        "cf-connecting-ip",
        "idempotency-key",
    ];
    let starts = [
        "accept",
        "content-",
        "x-forwarded-",
        "sec-fetch-",
        "sec-ch-",
        "if-",
    ];
    !(plain.contains(&key.as_str())
        || starts.iter().any(|start| key.starts_with(start))
        || key.contains("csrf")
        || key.contains("xsrf"))
}

impl Taint {
    /// Whether an expression reads something that a caller identifies itself by.
    pub(super) fn reads(&self, expression: &Expr) -> bool {
        let mut search = Search {
            taint: self,
            credential: false,
            carrier: false,
            path: false,
        };
        search.visit_expr(expression);
        search.credential
    }

    /// Whether an expression has to do with the request at all.
    pub(super) fn touches(&self, expression: &Expr) -> bool {
        let mut search = Search {
            taint: self,
            credential: false,
            carrier: false,
            path: false,
        };
        search.visit_expr(expression);
        search.credential || search.carrier || search.path
    }

    /// Whether an expression reads the path of the request.
    pub(super) fn reads_path(&self, expression: &Expr) -> bool {
        let mut search = Search {
            taint: self,
            credential: false,
            carrier: false,
            path: false,
        };
        search.visit_expr(expression);
        search.path
    }

    /// Whether an expression is the request itself, or the ASGI scope.
    pub(super) fn is_carrier(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(name) => self.carriers.contains(name.id.as_str()),
            Expr::Attribute(attribute) => match attribute.attr.as_str() {
                "scope" => self.is_carrier(&attribute.value),
                "request" | "websocket" => matches!(&*attribute.value, Expr::Name(_)),
                _ => false,
            },
            _ => false,
        }
    }

    /// `request.headers`, `scope["headers"]`, `request.state`.
    fn is_source(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Attribute(attribute) => {
                SOURCES.contains(&attribute.attr.as_str()) && self.is_carrier(&attribute.value)
            }
            Expr::Subscript(subscript) => {
                self.is_carrier(&subscript.value)
                    && text(&subscript.slice).is_some_and(|key| SOURCES.contains(&key))
            }
            Expr::Call(call) => {
                key_of_get(expression)
                    .is_some_and(|(base, key)| self.is_carrier(base) && SOURCES.contains(&key))
                    || matches!(&*call.func, Expr::Name(name) if name.id == "dict")
                        && call
                            .arguments
                            .args
                            .iter()
                            .any(|inner| self.is_source(inner))
            }
            _ => false,
        }
    }

    /// The path of the request: `request.url.path`, `scope["path"]`, a name that holds it.
    pub(super) fn is_path(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(name) => self.paths.contains(name.id.as_str()),
            Expr::Attribute(attribute) => match (&*attribute.value, attribute.attr.as_str()) {
                (Expr::Attribute(url), "path") => {
                    url.attr.as_str() == "url" && self.is_carrier(&url.value)
                }
                _ => false,
            },
            Expr::Subscript(subscript) => {
                self.is_carrier(&subscript.value)
                    && matches!(text(&subscript.slice), Some("path" | "raw_path"))
            }
            Expr::Call(call) => {
                if let Some((base, key)) = key_of_get(expression) {
                    return self.is_carrier(base) && key == "path";
                }
                match &*call.func {
                    // `path.rstrip("/")`, `str(request.url)`.
                    Expr::Attribute(method) => {
                        matches!(
                            method.attr.as_str(),
                            "rstrip"
                                | "lstrip"
                                | "strip"
                                | "lower"
                                | "removeprefix"
                                | "removesuffix"
                        ) && self.is_path(&method.value)
                    }
                    Expr::Name(name) if name.id == "str" => {
                        call.arguments.args.first().is_some_and(|inner| {
                            matches!(inner, Expr::Attribute(url)
                                if url.attr.as_str() == "url" && self.is_carrier(&url.value))
                                || self.is_path(inner)
                        })
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Something that is there when the caller brings it, and empty when not.
    fn is_brought(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(name) => self.credentials.contains(name.id.as_str()),
            Expr::Named(named) => self.is_brought(&named.value),
            Expr::Await(inner) => self.is_brought(&inner.value),
            Expr::Attribute(attribute) => {
                self.is_source(expression)
                    || self.is_source(&attribute.value)
                    || attribute.attr.as_str() == "is_authenticated" && self.reads(&attribute.value)
            }
            Expr::Subscript(subscript) => self.is_source(&subscript.value),
            Expr::Call(call) => {
                if let Some((base, key)) = key_of_get(expression) {
                    return self.is_source(base) && identifies(key);
                }
                // Its form says no more than that it is there.
                if let Expr::Attribute(method) = &*call.func
                    && matches!(method.attr.as_str(), "startswith" | "strip" | "lower")
                {
                    return self.is_brought(&method.value);
                }
                matches!(&*call.func, Expr::Name(name)
                        if matches!(name.id.as_str(), "bool" | "len" | "getattr" | "str"))
                    && call
                        .arguments
                        .args
                        .first()
                        .is_some_and(|inner| self.is_brought(inner) || self.is_source(inner))
            }
            _ => false,
        }
    }

    /// What it says about the caller that `condition` is true, or false.
    pub(super) fn bearing(&self, condition: &Expr, holds: bool) -> Bearing {
        match condition {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                self.bearing(&unary.operand, !holds)
            }
            Expr::BoolOp(several) => {
                let bearings: Vec<Bearing> = several
                    .values
                    .iter()
                    .map(|value| self.bearing(value, holds))
                    .collect();
                let all_hold = (several.op == BoolOp::And) == holds;
                combine(&bearings, all_hold)
            }
            Expr::Compare(compare) => {
                if let ([op], [right]) = (&*compare.ops, &*compare.comparators) {
                    let empty = matches!(right, Expr::NoneLiteral(_))
                        || matches!(right, Expr::StringLiteral(text) if text.value.is_empty());
                    if empty && self.is_brought(&compare.left) {
                        return match op {
                            CmpOp::Is | CmpOp::Eq => brought(!holds),
                            CmpOp::IsNot | CmpOp::NotEq => brought(holds),
                            _ => Bearing::Judged,
                        };
                    }
                    if let Some(key) = text(&compare.left)
                        && self.is_source(right)
                    {
                        return match op {
                            _ if !identifies(key) => Bearing::Shape,
                            CmpOp::In => brought(holds),
                            CmpOp::NotIn => brought(!holds),
                            _ => Bearing::Judged,
                        };
                    }
                }
                self.other(condition)
            }
            Expr::Call(call)
                if matches!(&*call.func, Expr::Name(name) if name.id == "isinstance")
                    && call
                        .arguments
                        .args
                        .first()
                        .is_some_and(|inner| self.is_brought(inner)) =>
            {
                brought(holds)
            }
            _ if self.is_brought(condition) => brought(holds),
            _ => self.other(condition),
        }
    }

    fn other(&self, condition: &Expr) -> Bearing {
        let mut search = Search {
            taint: self,
            credential: false,
            carrier: false,
            path: false,
        };
        search.visit_expr(condition);
        if search.credential {
            Bearing::Judged
        } else if search.path || search.carrier {
            Bearing::Shape
        } else {
            Bearing::Configured
        }
    }
}

fn brought(there: bool) -> Bearing {
    if there {
        Bearing::Present
    } else {
        Bearing::Absent
    }
}

/// What several conditions say together: all of them hold, or one of them does.
fn combine(bearings: &[Bearing], all_hold: bool) -> Bearing {
    let all = |wanted| bearings.iter().all(|bearing| *bearing == wanted);
    let any = |wanted| bearings.contains(&wanted);
    if all(Bearing::Absent) {
        Bearing::Absent
    } else if all(Bearing::Present) || all_hold && any(Bearing::Present) {
        Bearing::Present
    } else if all(Bearing::Configured) {
        Bearing::Configured
    } else if all_hold && any(Bearing::Configured) && !any(Bearing::Judged) {
        // `not token and settings.open`: it is the setting that opens.
        Bearing::Configured
    } else if !any(Bearing::Judged) && !any(Bearing::Absent) && !any(Bearing::Present) {
        Bearing::Shape
    } else {
        Bearing::Judged
    }
}

/// The text of a string literal.
pub(super) fn text(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::StringLiteral(literal) => Some(literal.value.to_str()),
        Expr::BytesLiteral(literal) => {
            let mut parts = literal.value.iter();
            let first = parts.next()?;
            if parts.next().is_some() {
                return None;
            }
            std::str::from_utf8(&first.value).ok()
        }
        _ => None,
    }
}

/// `base.get("key")`: the base and the key.
pub(super) fn key_of_get(expression: &Expr) -> Option<(&Expr, &str)> {
    let Expr::Call(call) = expression else {
        return None;
    };
    let Expr::Attribute(method) = &*call.func else {
        return None;
    };
    if !matches!(method.attr.as_str(), "get" | "getlist" | "getall" | "pop") {
        return None;
    }
    let key = text(call.arguments.args.first()?)?;
    Some((&method.value, key))
}

struct Search<'t> {
    taint: &'t Taint,
    credential: bool,
    carrier: bool,
    path: bool,
}

impl<'e> Visitor<'e> for Search<'_> {
    fn visit_expr(&mut self, expression: &'e Expr) {
        if self.taint.is_path(expression) {
            self.path = true;
            return;
        }
        if let Some((base, key)) = key_of_get(expression)
            && self.taint.is_source(base)
        {
            self.carrier = true;
            self.credential |= identifies(key);
            return;
        }
        if let Expr::Subscript(subscript) = expression
            && self.taint.is_source(&subscript.value)
        {
            self.carrier = true;
            self.credential |= text(&subscript.slice).is_none_or(identifies);
            return;
        }
        if self.taint.is_source(expression) {
            self.credential = true;
            return;
        }
        if self.taint.is_carrier(expression) {
            self.carrier = true;
            return;
        }
        if let Expr::Name(name) = expression {
            self.credential |= self.taint.credentials.contains(name.id.as_str());
            return;
        }
        walk_expr(self, expression);
    }
}
