//! What is known of what is called by its name alone: that it only reads, keeps or looks up.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::{Kind, Trial};
use crate::evaluate::value::{Definition, Function, Value};

impl<'a> Trial<'_, 'a> {
    /// Methods that are known whatever they belong to.
    pub(super) fn of_method(
        &mut self,
        on: Kind,
        name: &str,
        given: &[(Option<&'a str>, &'a Expr, Kind)],
    ) -> Option<Kind> {
        let brings = given
            .iter()
            .any(|(_, _, kind)| matches!(kind, Kind::Brought | Kind::Absent));
        if matches!(
            name,
            "debug"
                | "info"
                | "warning"
                | "warn"
                | "error"
                | "exception"
                | "critical"
                | "log"
                | "bind"
                | "add_task"
                | "create_task"
                | "ensure_future"
                | "submit"
                | "delay"
                | "apply_async"
                | "append"
                | "add"
                | "set"
                | "setdefault"
                | "update"
                | "put"
                | "put_nowait"
                | "publish"
                | "record"
                | "set_tag"
                | "set_user"
                | "set_attribute"
                | "increment"
                | "inc"
                | "setex"
                | "call_soon"
                | "run_in_background"
        ) {
            return Some(Kind::Plain);
        }
        match on {
            Kind::Brought | Kind::Absent => match name {
                "startswith" | "endswith" | "isalnum" | "isdigit" | "isalpha" | "isascii"
                | "count" | "find" => Some(if on == Kind::Absent {
                    self.judges()
                } else {
                    Kind::Form
                }),
                "split" | "strip" | "lstrip" | "rstrip" | "lower" | "upper" | "partition"
                | "rpartition" | "rsplit" | "replace" | "encode" | "decode" | "removeprefix"
                | "removesuffix" | "get" | "items" | "keys" | "values" | "casefold"
                | "model_dump" | "dict" | "copy" | "pop" | "split_token" | "hexdigest"
                | "digest" | "json" | "hex" | "getlist" | "title" | "zfill" | "format" | "join" => {
                    Some(on)
                }
                _ => None,
            },
            Kind::Judged if name == "raise_for_status" => Some(self.judges()),
            Kind::Judged => Some(Kind::Judged),
            Kind::Carrier => match name {
                "json" | "body" | "form" | "stream" => Some(Kind::Brought),
                "get" | "url_for" | "is_disconnected" | "accept" | "close" | "send_json"
                | "send_text" | "receive_text" | "receive_json" | "send" => Some(Kind::Shape),
                _ => None,
            },
            Kind::Shape | Kind::Source | Kind::Form => Some(Kind::Shape),
            _ => match name {
                "startswith" | "endswith" | "index" | "count" if brings => Some(Kind::Form),
                // What is looked up may be missing; that is no error.
                "get" | "post" | "put" | "patch" | "request" | "delete" | "head" | "first"
                | "one_or_none" | "scalar_one_or_none" | "get_or_none" | "find_one"
                | "fetchone"
                    if brings =>
                {
                    self.tested = true;
                    Some(Kind::Judged)
                }
                "execute" | "query" | "filter" | "filter_by" | "where" | "select" | "scalar"
                | "scalars" | "exec" | "compare_digest" | "exists" | "sismember" | "hget"
                | "find"
                    if brings =>
                {
                    self.tested = true;
                    let literal = name == "compare_digest"
                        && given
                            .iter()
                            .all(|(_, _, kind)| matches!(kind, Kind::Brought));
                    Some(if literal { Kind::Form } else { Kind::Judged })
                }
                _ => None,
            },
        }
    }
}

/// Whether something of this name only takes apart what it is handed, or keeps it.
pub(super) fn reads_or_writes(name: &str) -> bool {
    let starts = [
        "create",
        "insert",
        "register",
        "upsert",
        "save",
        "store",
        "log_",
        "track",
        "record",
        "build",
        "make",
        "parse",
        "extract",
        "split",
        "mask",
        "redact",
        "hash_",
        "model_validate",
        "model_construct",
        "validate_python",
        "validate_json",
        "get_or_create",
        "format",
        "normalize",
        "sanitize",
        "set_",
        "to_",
        "from_",
        "emit",
        "notify",
        "audit",
        "report",
        "capture",
        "trace",
    ];
    starts
        .iter()
        .any(|start| name.trim_start_matches('_').starts_with(start))
}

/// Whether a module of Python's own neither judges nor raises for what does not please it.
pub(super) fn is_indifferent(root: &str) -> bool {
    matches!(
        root,
        "time"
            | "random"
            | "logging"
            | "structlog"
            | "loguru"
            | "statsd"
            | "os"
            | "sys"
            | "hashlib"
            | "zlib"
            | "typing"
            | "itertools"
            | "functools"
            | "collections"
            | "dataclasses"
            | "copy"
            | "pprint"
            | "textwrap"
            | "string"
            | "unicodedata"
            | "urllib"
            | "html"
            | "math"
            | "operator"
            | "struct"
            | "binascii"
            | "codecs"
            | "base64"
            | "uuid"
            | "datetime"
            | "asyncio"
            | "prometheus_client"
            | "sentry_sdk"
    )
}

/// Whether a function is a generator: calling it runs nothing.
pub(in crate::gates) fn yields(function: &Function<'_>) -> bool {
    struct Search(bool);
    impl<'e> Visitor<'e> for Search {
        fn visit_stmt(&mut self, statement: &'e Stmt) {
            if !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
                walk_stmt(self, statement);
            }
        }
        fn visit_expr(&mut self, expression: &'e Expr) {
            match expression {
                Expr::Yield(_) | Expr::YieldFrom(_) => self.0 = true,
                Expr::Lambda(_) => {}
                _ => walk_expr(self, expression),
            }
        }
    }
    let mut search = Search(false);
    if let Definition::Function(definition) = function.definition {
        search.visit_body(&definition.body);
    }
    search.0
}

/// Whether something runs what it is handed elsewhere.
pub(super) fn elsewhere_of(callee: &Value<'_>) -> Option<usize> {
    match callee {
        Value::External(path) => elsewhere(path),
        _ => None,
    }
}

/// Where the function stands among the arguments of what runs it elsewhere.
pub(super) fn elsewhere(path: &str) -> Option<usize> {
    match path.rsplit('.').next()? {
        "run_in_threadpool" | "to_thread" | "run_sync" => Some(0),
        _ => None,
    }
}

/// `jwt.decode(token, options={"verify_signature": False})`, `verify=False`.
pub(super) fn does_not_verify(call: &ExprCall) -> bool {
    call.arguments.keywords.iter().any(|keyword| {
        match keyword
            .arg
            .as_ref()
            .map(ruff_python_ast::Identifier::as_str)
        {
            Some("verify" | "verify_signature" | "validate") => {
                matches!(&keyword.value, Expr::BooleanLiteral(literal) if !literal.value)
            }
            Some("options") => match &keyword.value {
                Expr::Dict(options) => options.items.iter().any(|item| {
                    item.key.as_ref().and_then(crate::gates::bearing::text)
                        == Some("verify_signature")
                        && matches!(&item.value, Expr::BooleanLiteral(literal) if !literal.value)
                }),
                _ => false,
            },
            Some("algorithms") => match &keyword.value {
                Expr::List(several) => several.elts.iter().any(|one| {
                    crate::gates::bearing::text(one)
                        .is_some_and(|name| name.eq_ignore_ascii_case("none"))
                }),
                _ => false,
            },
            _ => false,
        }
    })
}
