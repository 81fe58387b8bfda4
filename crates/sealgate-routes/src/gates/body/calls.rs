//! Calls in a body: what is handed on, what the callee does with it, and what becomes of that.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::{Body, Denial, Mode, Walker, is_carrier_class, runs_elsewhere};
use crate::evaluate::value::Value;
use crate::gates::Gates;
use crate::gates::bearing::{Bearing, key_of_get, text};
use crate::gates::judgement::{FlawKind, Judgement};
use crate::gates::raised::{Thrown, response_status};
use crate::gates::status;
use sealgate_inventory::Strength;

impl<'a> Walker<'_, 'a> {
    /// Names take over what they are assigned.
    pub(in crate::gates) fn assign(&mut self, target: &'a Expr, value: &'a Expr) {
        let names: Vec<&str> = match target {
            Expr::Name(name) => vec![name.id.as_str()],
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .filter_map(|item| match item {
                    Expr::Name(name) => Some(name.id.as_str()),
                    _ => None,
                })
                .collect(),
            _ => return,
        };
        if let (Expr::Name(name), Expr::Call(_)) = (target, value) {
            self.given.insert(name.id.as_str(), value);
        }
        let inner = match value {
            Expr::Await(inner) => &*inner.value,
            other => other,
        };
        let path =
            self.taint.is_path(value) || matches!(inner, Expr::Call(call) if self.gives_path(call));
        let carrier = self.taint.is_carrier(value) || self.makes_carrier(inner);
        let credential = self.taint.reads(value) || self.is_handed_credential(inner);
        for name in names {
            if path {
                self.taint.paths.insert(name.into());
            } else if carrier {
                self.taint.carriers.insert(name.into());
            } else if credential {
                self.taint.credentials.insert(name.into());
            }
        }
        self.out.credential |= self.taint.reads(value);
    }

    /// `Request(scope)`, `kwargs["request"]`, `kwargs.get("request")`.
    pub(in crate::gates) fn makes_carrier(&mut self, value: &'a Expr) -> bool {
        if let Some((Expr::Name(_), "request" | "websocket" | "conn")) = key_of_get(value) {
            return true;
        }
        match value {
            Expr::Subscript(subscript) => {
                matches!(&*subscript.value, Expr::Name(name) if name.id == "kwargs")
                    && matches!(text(&subscript.slice), Some("request" | "websocket"))
            }
            Expr::Call(call) => match self.value(&call.func) {
                Value::External(path) => is_carrier_class(&path),
                _ => false,
            },
            _ => false,
        }
    }

    /// A call that is handed the whole request gives something made of it: `get_token(request)`.
    pub(in crate::gates) fn is_handed_credential(&self, value: &Expr) -> bool {
        match value {
            Expr::Call(call) => self.hands_over(call),
            _ => false,
        }
    }

    pub(in crate::gates) fn gives_path(&mut self, call: &'a ExprCall) -> bool {
        if !self.hands_over(call) {
            return false;
        }
        self.called_bodies(call)
            .iter()
            .any(|body| body.returns_path)
    }

    /// Whether a call is handed something of the caller.
    pub(in crate::gates) fn hands_over(&self, call: &ExprCall) -> bool {
        let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
        call.arguments
            .args
            .iter()
            .chain(keywords)
            .any(|argument| self.taint.touches(argument))
    }

    pub(in crate::gates) fn call(
        &mut self,
        call: &'a ExprCall,
        expression: &'a Expr,
        awaited: bool,
    ) {
        if let Expr::Attribute(method) = &*call.func {
            match method.attr.as_str() {
                "close" if self.taint.is_carrier(&method.value) => {
                    let code = call.arguments.find_argument_value("code", 0);
                    let codes = code.map(|code| status::of(self.interpreter, code, &self.scope));
                    if codes.is_some_and(|codes| status::denial(&codes).is_some()) {
                        self.closing = Some(self.spot(expression));
                    }
                    return;
                }
                "accept" if self.taint.is_carrier(&method.value) => {
                    self.closing = None;
                    return;
                }
                _ => {}
            }
        }
        let callee = self.value(&call.func);
        self.handed += usize::from(self.hands_on(call, &callee));
        if let Some(wrapped) = &self.wrapped
            && callee.alternatives().iter().any(|one| one.same(wrapped))
        {
            self.done = true;
            return;
        }
        if self.mode == Mode::Answer && self.answers(call, &callee) {
            self.deny(401, None, expression);
            return;
        }
        let followed = self.follow(&callee, call, expression, awaited);
        if !followed {
            self.not_followed(&callee, call, awaited);
        }
    }

    /// Pure ASGI: `await JSONResponse(..., status_code=401)(scope, receive, send)`, or the message itself.
    pub(in crate::gates) fn answers(&mut self, call: &'a ExprCall, callee: &Value<'a>) -> bool {
        if response_status(callee).is_some() || self.leads_to_sign_in(callee).is_some() {
            return true;
        }
        let [Expr::Dict(message)] = &*call.arguments.args else {
            return false;
        };
        message.items.iter().any(|item| {
            item.key.as_ref().and_then(|key| text(key)) == Some("status")
                && status::denial(&status::of(self.interpreter, &item.value, &self.scope)).is_some()
        })
    }

    #[allow(
        clippy::too_many_lines,
        reason = "it puts together what each of the callees does"
    )]
    pub(in crate::gates) fn follow(
        &mut self,
        callee: &Value<'a>,
        call: &'a ExprCall,
        expression: &'a Expr,
        awaited: bool,
    ) -> bool {
        let mut bodies: Vec<(Value<'a>, Rc<Body<'a>>, bool)> = Vec::new();
        let alternatives = callee.alternatives().to_vec();
        let mut whole = true;
        for alternative in &alternatives {
            let (target, shift) = match alternative {
                // Threads: `run_in_threadpool(check, request)`.
                Value::External(path) if runs_elsewhere(path).is_some() => {
                    let at = runs_elsewhere(path).unwrap_or_default();
                    let Some(argument) = call.arguments.args.get(at) else {
                        whole = false;
                        continue;
                    };
                    (self.value(argument), at + 1)
                }
                Value::Made(made) if made.callee.ends_with(".run_in_executor") => {
                    let Some(argument) = call.arguments.args.get(1) else {
                        whole = false;
                        continue;
                    };
                    (self.value(argument), 2)
                }
                other => (other.clone(), 0),
            };
            for target in target.alternatives().to_vec() {
                match self.body_of(&target, call, shift) {
                    Some((body, is_async)) => bodies.push((target, body, is_async && shift == 0)),
                    None => whole = false,
                }
            }
        }
        if bodies.is_empty() {
            return false;
        }
        // Who brings nothing was turned away before: what opens from here on opens for others.
        let strangers_gone = self
            .out
            .denials
            .iter()
            .any(|denial| denial.anonymous && !denial.configured && !denial.shaped);
        let lost = bodies.iter().all(|(_, _, is_async)| *is_async) && !awaited;
        for (target, body, _) in &bodies {
            self.out.credential |= body.credential && self.hands_over(call);
            let passes =
                !body.denials.is_empty() && !strangers_gone && self.decides_here(expression);
            let looked_up = !matches!(self.current, Some(Stmt::Expr(_)));
            for flaw in &body.flaws {
                let opens = matches!(
                    flaw.kind,
                    FlawKind::MockUser
                        | FlawKind::EarlyReturn
                        | FlawKind::NotConfigured
                        | FlawKind::SwallowedDenial
                );
                let nothing = looked_up
                    && flaw.kind == FlawKind::EarlyReturn
                    && matches!(
                        &*self.interpreter.source_of(flaw.spot),
                        "return" | "return None"
                    );
                let keep = passes && !nothing || !opens;
                if keep && !self.out.flaws.contains(flaw) {
                    self.out.flaws.push(flaw.clone());
                }
            }
            if lost {
                continue;
            }
            if body.denials.is_empty() {
                if let Some(why) = &body.unknown {
                    self.out.unknown.get_or_insert_with(|| why.clone());
                }
                continue;
            }
            if !whole
                || bodies.len() > 1 && bodies.iter().any(|(_, body, _)| body.denials.is_empty())
            {
                self.out
                    .unknown
                    .get_or_insert_with(|| "what it calls may be one of several".into());
            }
            if body.denials.iter().any(|denial| denial.anonymous) {
                let name = self.interpreter.name_of(target);
                if !self.out.through.iter().any(|known| *known.name == *name) {
                    let mut judged = Judgement::new(name, crate::gates::judgement::Verdict::Gate);
                    judged.statuses = body.denials.iter().map(|denial| denial.status).collect();
                    self.out.through.push(Rc::new(judged));
                }
            }
            let steady = self.is_steady();
            for denial in body.denials.clone() {
                let anonymous = denial.anonymous && !self.brings_something();
                let configured = denial.configured || self.is_under(Bearing::Configured);
                let shaped = denial.shaped || self.is_under(Bearing::Shape);
                let strength = if steady && !configured {
                    denial.strength
                } else {
                    Strength::default()
                };
                let spot = self.spot(expression);
                let only_if = match denial.only_if {
                    Some(known) => Some(known),
                    None => self.only_if(),
                };
                self.escape(Denial {
                    spot,
                    anonymous,
                    configured,
                    only_if,
                    shaped,
                    strength,
                    ..denial
                });
            }
            // Denials of one call share its spot, so that the strongest of them has to be kept apart.
            if steady {
                let strength = body
                    .denials
                    .iter()
                    .filter(|denial| !denial.configured)
                    .fold(Strength::default(), |all, denial| all.and(&denial.strength));
                let spot = self.spot(expression);
                for known in self
                    .out
                    .denials
                    .iter_mut()
                    .filter(|known| known.spot == spot)
                {
                    known.strength = known.strength.clone().and(&strength);
                }
            }
        }
        if lost
            && (self.hands_over(call) || bodies.iter().any(|(_, body, _)| !body.denials.is_empty()))
        {
            // Whether it is awaited later is asked where the statement is known.
            self.gates.unawaited.insert(self.spot(expression));
        }
        true
    }

    /// Whether everybody who passes comes by here.
    pub(in crate::gates) fn is_steady(&self) -> bool {
        self.conditions.iter().all(|condition| {
            condition.early
                || matches!(
                    self.taint.bearing(condition.test, condition.holds),
                    Bearing::Present | Bearing::Absent
                )
        })
    }

    /// Something is called that is not in the tree, or not known.
    pub(in crate::gates) fn not_followed(
        &mut self,
        callee: &Value<'a>,
        call: &'a ExprCall,
        awaited: bool,
    ) {
        let hands_over = self.hands_over(call);
        for alternative in callee.alternatives() {
            match alternative {
                Value::Made(_) | Value::External(_) => {
                    let judged = Gates::library(alternative);
                    let Some(judged) = judged else { continue };
                    self.out.credential |= judged.credential;
                    if judged.is_gate() {
                        let status = judged.statuses.iter().next().copied().unwrap_or(401);
                        self.out.through.push(Rc::new(judged));
                        self.deny(status, Some(Thrown::Http), call);
                    }
                }
                Value::Unknown(_) if self.called_parameter(call, awaited) => {
                    self.deny(401, Some(Thrown::Http), call);
                }
                Value::Unknown(why) if hands_over && self.reads_arguments(call) => {
                    let source = self.source(&call.func);
                    let why = format!("it hands the credential to `{source}`, and {why}");
                    self.out.unknown.get_or_insert_with(|| why.into());
                }
                _ => {}
            }
        }
    }

    /// `authorize.jwt_required()`, where the annotation of `authorize` says of which library it is.
    pub(in crate::gates) fn called_parameter(&mut self, call: &'a ExprCall, awaited: bool) -> bool {
        let Expr::Attribute(method) = &*call.func else {
            return false;
        };
        let Value::Parameter(parameter) = self.value(&method.value) else {
            return false;
        };
        let class = match &parameter.annotation {
            Some(Value::Annotated(annotated)) => annotated.base.clone(),
            Some(other) => other.clone(),
            None => return false,
        };
        let denies = matches!(&class, Value::External(path)
            if crate::gates::libraries::method_denies(path, method.attr.as_str(), awaited));
        self.out.credential |= denies;
        denies
    }

    pub(in crate::gates) fn reads_arguments(&self, call: &ExprCall) -> bool {
        let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
        call.arguments
            .args
            .iter()
            .chain(keywords)
            .any(|argument| self.taint.reads(argument))
    }

    /// A statement that makes a coroutine and drops it.
    pub(in crate::gates) fn unawaited(&mut self, expression: &'a Expr) {
        let spot = self.spot(expression);
        if matches!(expression, Expr::Call(_)) && self.gates.unawaited.remove(&spot) {
            let what = self.source(expression);
            self.flaw(FlawKind::UnawaitedCall, expression, what);
        }
    }
}
