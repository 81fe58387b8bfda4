//! What a stranger meets in a call.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall};
use rustc_hash::FxHashMap;

use super::kinds::join;
use super::names::{does_not_verify, elsewhere, is_indifferent, reads_or_writes, yields};
use super::{Event, Kind, Met, State, Trial};
use crate::evaluate::value::{Function, Value};
use crate::gates::Gates;

impl<'a> Trial<'_, 'a> {
    /// Something judges what the stranger brings: it raises, or gives what the stranger fails.
    pub(super) fn judges(&mut self) -> Kind {
        self.tested = true;
        self.event = Some(Event {
            raises: vec!["?".into()],
        });
        Kind::Judged
    }

    /// Whether an expression hands the request on to what comes next.
    pub(super) fn hands_on(&mut self, expression: &'a Expr, state: &State) -> bool {
        let expression = match expression {
            Expr::Await(inner) => &*inner.value,
            other => other,
        };
        let Expr::Call(call) = expression else {
            return false;
        };
        if self.depth > 0 || !self.answers {
            return false;
        }
        if let Some(wrapped) = self.wrapped.clone() {
            let callee = self.value(&call.func);
            return callee.alternatives().iter().any(|one| one.same(&wrapped));
        }
        if let Some(next) = &self.next {
            return matches!(&*call.func, Expr::Name(name) if name.id == **next);
        }
        // Plain ASGI: something that is no response is called with the scope.
        let first = call.arguments.args.first();
        let scope = matches!(first, Some(Expr::Name(name))
            if state.kinds.get(name.id.as_str()) == Some(&Kind::Carrier));
        if !scope || call.arguments.args.len() != 3 {
            return false;
        }
        let callee = self.value(&call.func);
        crate::gates::raised::response_status(&callee).is_none()
            && !callee
                .alternatives()
                .iter()
                .any(|one| matches!(one, Value::Made(made) if made.callee.ends_with("Response")))
    }

    pub(super) fn call(&mut self, call: &'a ExprCall, state: &mut State, awaited: bool) -> Kind {
        if self.steps == 0 {
            return Kind::Judged;
        }
        self.steps -= 1;
        let method = match &*call.func {
            Expr::Attribute(attribute) => Some((&*attribute.value, attribute.attr.as_str())),
            _ => None,
        };
        if matches!(&*call.func, Expr::Name(name) if matches!(name.id.as_str(), "any" | "all"))
            && let Some(Expr::Generator(inner)) = call.arguments.args.first()
        {
            let before = state.clone();
            let kind = self.comprehension(&inner.elt, &inner.generators, state);
            let over = inner
                .generators
                .first()
                .map(|first| self.kind(&first.iter, &mut before.clone()));
            let all = matches!(&*call.func, Expr::Name(name) if name.id == "all");
            return if all && over == Some(Kind::Brought) {
                Kind::Form
            } else {
                kind
            };
        }
        let gathered = method
            .is_some_and(|(_, name)| matches!(name, "gather" | "wait_for" | "shield" | "run"));
        let mut given: Vec<(Option<&'a str>, &'a Expr, Kind)> = Vec::new();
        for argument in &call.arguments.args {
            let kind = self.kind_of(argument, state, awaited && gathered);
            given.push((None, argument, kind));
        }
        for keyword in &call.arguments.keywords {
            let kind = self.kind_of(&keyword.value, state, awaited && gathered);
            given.push((
                keyword
                    .arg
                    .as_ref()
                    .map(ruff_python_ast::Identifier::as_str),
                &keyword.value,
                kind,
            ));
        }
        if self.event.is_some() {
            return Kind::Judged;
        }
        if let Some((base, name)) = method {
            let on = self.kind(base, state);
            if self.event.is_some() {
                return Kind::Judged;
            }
            if let Some(kind) = self.of_method(on, name, &given) {
                return kind;
            }
        }
        let callee = self.value(&call.func);
        if Self::is_scheme(&callee, call) {
            let key = self.text(&call.func);
            return match self.own(&key) {
                Kind::Brought => Kind::Brought,
                _ => self.judges_or_absent(&callee),
            };
        }
        let mut found: Option<Kind> = None;
        let mut stopped: Vec<Event> = Vec::new();
        let alternatives = callee.alternatives().to_vec();
        for alternative in &alternatives {
            self.event = None;
            let kind = self.one(alternative, call, &given, awaited);
            stopped.extend(self.event.take());
            found = Some(found.map_or(kind, |known| join(known, kind)));
        }
        // Where it may be one of several, all of them have to stop the stranger.
        if stopped.len() == alternatives.len() && !stopped.is_empty() {
            let raises = stopped.into_iter().flat_map(|event| event.raises).collect();
            self.event = Some(Event { raises });
        }
        found.unwrap_or(Kind::Plain)
    }

    fn judges_or_absent(&mut self, callee: &Value<'a>) -> Kind {
        let silent = match callee {
            Value::Object(object) => {
                matches!(
                    object.fields.borrow().get("auto_error"),
                    Some(Value::Bool(false))
                )
            }
            Value::Made(made) => matches!(
                made.arguments.keyword("auto_error"),
                Some(Value::Bool(false))
            ),
            _ => false,
        };
        if silent { Kind::Absent } else { self.judges() }
    }

    /// `await scheme(request)` and `await super().__call__(request)`: what was brought.
    fn is_scheme(callee: &Value<'a>, call: &ExprCall) -> bool {
        let inherited = matches!(&*call.func, Expr::Attribute(attribute)
            if attribute.attr.as_str() == "__call__"
                && matches!(&*attribute.value, Expr::Call(inner)
                    if matches!(&*inner.func, Expr::Name(name) if name.id == "super")));
        if inherited {
            return !matches!(callee, Value::Function(_) | Value::Method(_));
        }
        Gates::library(callee).is_some_and(|judged| crate::gates::tree::is_scheme(&judged))
    }

    /// One of the things that may be called.
    fn one(
        &mut self,
        callee: &Value<'a>,
        call: &'a ExprCall,
        given: &[(Option<&'a str>, &'a Expr, Kind)],
        awaited: bool,
    ) -> Kind {
        match callee {
            Value::External(path) if elsewhere(path).is_some() => {
                let at = elsewhere(path).unwrap_or_default();
                let Some((_, target, _)) = given.get(at) else {
                    return Kind::Plain;
                };
                let target = self.value(target);
                let rest = &given[at + 1..];
                return match self.function(&target, rest) {
                    Some((function, receiver, kinds)) => {
                        let met = self.inside(&function, receiver.as_ref(), kinds);
                        self.met(met)
                    }
                    None => self.unknown(path, call, rest),
                };
            }
            Value::Class(_) => {
                // What is made of what was brought is no more than that.
                return given
                    .iter()
                    .fold(Kind::Plain, |all, (_, _, kind)| match kind {
                        Kind::Absent
                        | Kind::Nothing
                        | Kind::True
                        | Kind::False
                        | Kind::Carrier
                        | Kind::Source
                        | Kind::Shape => all,
                        other => join(all, *other),
                    });
            }
            _ => {}
        }
        let mut target = callee.clone();
        if !matches!(
            target,
            Value::Function(_)
                | Value::Method(_)
                | Value::Partial(_)
                | Value::Wrapped(_)
                | Value::Object(_)
        ) && let Some(method) = self.method_of_self(call)
        {
            target = method;
        }
        if let Some((function, receiver, kinds)) = self.function(&target, given) {
            if function.definition.is_async() && !awaited {
                // Nothing runs, and what it gives is always true.
                let handed = given.iter().any(|(_, _, kind)| *kind != Kind::Plain);
                return if handed { Kind::True } else { Kind::Plain };
            }
            if !self.entering && yields(&function) {
                return Kind::Plain;
            }
            let met = self.inside(&function, receiver.as_ref(), kinds);
            return self.met(met);
        }
        let path = match callee {
            Value::External(path) => path.clone(),
            Value::Made(made) => made.callee.clone(),
            _ => match &*call.func {
                Expr::Name(name) => name.id.as_str().into(),
                Expr::Attribute(attribute) => attribute.attr.as_str().into(),
                _ => "".into(),
            },
        };
        if Gates::library(callee).is_some_and(|judged| judged.is_gate()) {
            return self.judges();
        }
        self.unknown(&path, call, given)
    }

    fn met(&mut self, met: Met) -> Kind {
        self.tested |= met.tested;
        if met.stops && !met.passes {
            self.event = Some(Event { raises: met.raises });
            return Kind::Judged;
        }
        met.given
    }

    /// What is called is not in the tree.
    #[allow(clippy::too_many_lines, reason = "one list for each kind of name")]
    fn unknown(
        &mut self,
        path: &str,
        call: &'a ExprCall,
        given: &[(Option<&'a str>, &'a Expr, Kind)],
    ) -> Kind {
        let own =
            |kind: Kind| matches!(kind, Kind::Plain | Kind::Nothing | Kind::True | Kind::False);
        let handed = given
            .iter()
            .filter(|(_, _, kind)| !own(*kind))
            .fold(None, |all, (_, _, kind)| {
                Some(all.map_or(*kind, |known| join(known, *kind)))
            });
        let Some(handed) = handed else {
            return Kind::Plain;
        };
        let brings = given
            .iter()
            .any(|(_, _, kind)| matches!(kind, Kind::Brought | Kind::Absent | Kind::Source));
        let last = path
            .rsplit('.')
            .next()
            .unwrap_or(path)
            .trim_end_matches("()");
        let root = path.split('.').next().unwrap_or_default();
        let first = given.first().map_or(Kind::Plain, |(_, _, kind)| *kind);
        match last {
            "len" | "hash" | "id" if first == Kind::Brought => return Kind::Form,
            "str" | "bool" | "len" | "repr" | "list" | "tuple" | "dict" | "set" | "bytes"
            | "next" | "iter" | "cast" | "getattr" | "sorted" | "reversed" | "deepcopy"
            | "copy" => return first,
            "isinstance" | "hasattr" | "callable" => {
                return match first {
                    Kind::Brought => Kind::True,
                    Kind::Absent | Kind::Nothing => Kind::False,
                    other => other,
                };
            }
            "compare_digest" => {
                let own = given.iter().all(|(_, _, kind)| *kind == Kind::Brought);
                return if own { Kind::Form } else { Kind::Judged };
            }
            "print" | "HTTPException" | "Depends" => return Kind::Plain,
            "match" | "search" | "fullmatch" | "findall" if matches!(root, "re" | "regex") => {
                return Kind::Form;
            }
            _ => {}
        }
        if root == "hmac" && matches!(last, "new" | "digest") && first == Kind::Plain {
            // Nobody makes it who does not know the key.
            return Kind::Plain;
        }
        // Reading is not judging.
        let plain_reading = matches!(
            last,
            "b64decode"
                | "b64encode"
                | "urlsafe_b64decode"
                | "urlsafe_b64encode"
                | "standard_b64decode"
                | "unquote"
                | "unquote_plus"
                | "quote"
                | "int"
                | "float"
                | "UUID"
                | "sha1"
                | "sha256"
                | "sha512"
                | "md5"
                | "blake2b"
                | "get_authorization_scheme_param"
                | "get_unverified_header"
                | "get_unverified_headers"
                | "get_unverified_claims"
                | "urlparse"
                | "parse_qs"
                | "SimpleCookie"
                | "SecretStr"
                | "Request"
                | "HTTPConnection"
                | "WebSocket"
                | "HTTPAuthorizationCredentials"
                | "HTTPBasicCredentials"
                | "unhexlify"
                | "fromhex"
                | "Headers"
                | "a2b_base64"
                | "literal_eval"
                | "parse_qsl"
        ) || matches!(last, "loads" | "dumps")
            && matches!(
                root,
                "json" | "orjson" | "ujson" | "simplejson" | "pickle" | "yaml"
            )
            || matches!(last, "decode") && does_not_verify(call);
        if plain_reading || reads_or_writes(last) || is_indifferent(root) {
            let kind = match handed {
                Kind::Carrier if matches!(last, "Request" | "HTTPConnection" | "WebSocket") => {
                    Kind::Carrier
                }
                Kind::Source => self.own("*"),
                other => other,
            };
            return kind;
        }
        if last.starts_with(char::is_uppercase) && !path.contains("()") {
            // An object of a library holds what it is given.
            return if brings {
                join(handed, Kind::Plain)
            } else {
                Kind::Plain
            };
        }
        match handed {
            Kind::Judged => Kind::Judged,
            // Who is asked about the whole request may be asked about its path.
            Kind::Carrier if self.asking => Kind::Shape,
            Kind::Shape | Kind::Form | Kind::True | Kind::False => Kind::Shape,
            _ => self.judges(),
        }
    }

    /// A function of the tree that is called, and what its parameters are handed.
    #[allow(clippy::type_complexity, reason = "it is taken apart at once")]
    fn function(
        &mut self,
        callee: &Value<'a>,
        given: &[(Option<&'a str>, &'a Expr, Kind)],
    ) -> Option<(
        Rc<Function<'a>>,
        Option<Value<'a>>,
        FxHashMap<Rc<str>, Kind>,
    )> {
        let (function, receiver) = match callee {
            Value::Function(function) => (function.clone(), None),
            Value::Method(method) => (method.function.clone(), Some(method.receiver.clone())),
            Value::Partial(partial) => return self.function(&partial.callee.clone(), given),
            Value::Wrapped(wrapped) => return self.function(&wrapped.inner.clone(), given),
            Value::Object(_) => match self.interpreter.attribute(callee, "__call__") {
                Value::Method(method) => (method.function.clone(), Some(callee.clone())),
                _ => return None,
            },
            _ => return None,
        };
        // A wrapper with `*args` hands everything on.
        let wraps = function.wraps.borrow().clone();
        let variadic = function
            .definition
            .parameters()
            .is_some_and(|all| all.vararg.is_some());
        if let Some(inner) = wraps.filter(|_| variadic)
            && !matches!(&inner, Value::Function(same) if Rc::ptr_eq(same, &function))
        {
            let inner = match (&receiver, inner) {
                (Some(receiver), Value::Function(function)) => {
                    Value::Method(Rc::new(crate::evaluate::value::Method {
                        receiver: receiver.clone(),
                        function,
                    }))
                }
                (_, other) => other,
            };
            return self.function(&inner, given);
        }
        let mut names: Vec<&str> = function
            .definition
            .parameters()
            .into_iter()
            .flat_map(|all| all.posonlyargs.iter().chain(&all.args))
            .map(|parameter| parameter.parameter.name.as_str())
            .collect();
        if receiver.is_some() && !names.is_empty() {
            names.remove(0);
        }
        let mut kinds = FxHashMap::default();
        let mut at = 0;
        for (name, argument, kind) in given {
            if let Expr::Starred(_) = argument {
                for name in names.iter().skip(at) {
                    kinds.insert((*name).into(), *kind);
                }
                at = names.len();
                continue;
            }
            let name = name.or_else(|| names.get(at).copied());
            at += 1;
            if let Some(name) = name {
                kinds.insert(name.into(), *kind);
            }
        }
        Some((function, receiver, kinds))
    }

    /// `self.check(...)`, where it is only known in which class the function stands.
    fn method_of_self(&mut self, call: &'a ExprCall) -> Option<Value<'a>> {
        let Expr::Attribute(method) = &*call.func else {
            return None;
        };
        let Expr::Name(name) = &*method.value else {
            return None;
        };
        let parameters = self.function.definition.parameters()?;
        let first = parameters.posonlyargs.first().or(parameters.args.first())?;
        if first.parameter.name.as_str() != name.id.as_str() {
            return None;
        }
        let class = self.function.owner.borrow().clone()?;
        match self
            .interpreter
            .attribute(&Value::Class(class.clone()), method.attr.as_str())
        {
            Value::Function(function) => {
                Some(Value::Method(Rc::new(crate::evaluate::value::Method {
                    receiver: Value::Class(class),
                    function,
                })))
            }
            _ => None,
        }
    }
}
