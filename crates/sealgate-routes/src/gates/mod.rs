//! What denies a caller: which callables are gates, how strong they are, and which of them stand before a route.
//!
//! A gate is Sealgate's own, or named in the configuration, or found by what it does: it turns callers away with
//! 401 or 403 because of the credential that they bring or lack. Names of functions and parameters mean nothing.

mod assess;
mod bearing;
mod body;
mod forward;
mod handler;
mod judge;
mod judgement;
mod libraries;
mod middleware;
mod own;
mod paths;
mod raised;
mod route_class;
mod status;
mod strength;
#[cfg(test)]
mod tests;
mod tree;
mod trial;
mod wrapper;

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};
use sealgate_inventory::Config;

use crate::evaluate::Interpreter;
use crate::evaluate::value::{Function, Names, Scope, Spot, Value};
use bearing::Taint;
use body::{Bodies, Body, Key, Mode, Walker};

pub(crate) use assess::{Assessment, gates_of};
pub(crate) use judge::judge;
pub(crate) use judgement::{Flaw, FlawKind, Judgement, Verdict};

/// What was found out about gates so far, and what was said about them.
pub(crate) struct Gates<'a> {
    pub(crate) config: Config,
    /// Whether a gate is known to stand before the route that is looked at: its middleware need not be tried.
    sure: bool,
    /// What the applications make of exceptions: the class, and the handler.
    pub(crate) handlers: Vec<(Value<'a>, Value<'a>)>,
    judged: FxHashMap<(usize, usize), Judged<'a>>,
    bodies: Bodies<'a>,
    /// Coroutines that were made and not awaited where they were made.
    unawaited: FxHashSet<Spot>,
    /// What expressions stand for, by where they stand and in which scope.
    values: FxHashMap<(usize, usize), Value<'a>>,
    scopes: FxHashMap<(usize, usize), Looked<'a>>,
    entrances: middleware::Entrances<'a>,
    /// Bodies that were walked, those that were handed constants included.
    walked: usize,
}

/// A callable and what was found; nothing while it is looked at.
type Judged<'a> = (Value<'a>, Option<Rc<Judgement>>);

/// A function, what it is a method of, and the names in it.
type Looked<'a> = (Rc<Function<'a>>, Option<Value<'a>>, Scope<'a>);

/// More walks through bodies than this in one scan, and the rest is not followed.
const MOST_WALKS: usize = 400_000;

impl<'a> Gates<'a> {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            sure: false,
            handlers: Vec::new(),
            judged: FxHashMap::default(),
            bodies: Bodies::default(),
            unawaited: FxHashSet::default(),
            values: FxHashMap::default(),
            scopes: FxHashMap::default(),
            entrances: FxHashMap::default(),
            walked: 0,
        }
    }

    /// Takes over the exception handlers of every application that was found.
    pub(crate) fn learn_handlers(&mut self, interpreter: &Interpreter<'a>) {
        for object in &interpreter.objects {
            let made = object.framework.borrow().clone();
            let Some(router) = made
                .as_deref()
                .and_then(crate::framework::Framework::router)
            else {
                continue;
            };
            for handler in router.exception_handlers.borrow().iter() {
                if !matches!(handler.exception, Value::Int(_)) {
                    self.handlers
                        .push((handler.exception.clone(), handler.handler.clone()));
                }
            }
        }
    }

    /// Whether a redirect to this place is a denial: it leads to where people sign in.
    fn is_login(&self, url: &str) -> bool {
        let path = url
            .split(['?', '#'])
            .next()
            .unwrap_or(url)
            .trim_end_matches('/');
        let named = self
            .config
            .login_paths
            .iter()
            .any(|login| path == login.trim_end_matches('/'));
        let last = path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        named
            || matches!(
                last.as_str(),
                "login" | "log-in" | "log_in" | "signin" | "sign-in" | "sign_in"
            )
    }

    /// The names in a function, by what it is a method of. Kept, so that what was found in them stays good.
    fn locals(
        &mut self,
        interpreter: &mut Interpreter<'a>,
        function: &Rc<Function<'a>>,
        receiver: Option<&Value<'a>>,
    ) -> Scope<'a> {
        let key = (
            Rc::as_ptr(function).addr(),
            receiver.map_or(0, body::address),
        );
        if let Some((_, _, scope)) = self.scopes.get(&key) {
            return scope.clone();
        }
        let scope = interpreter.locals(function, receiver);
        self.scopes
            .insert(key, (function.clone(), receiver.cloned(), scope.clone()));
        scope
    }

    /// What the body of a function does to a caller of whom it was handed what `taint` says.
    #[allow(
        clippy::too_many_arguments,
        reason = "each of them decides what is found"
    )]
    fn body(
        &mut self,
        interpreter: &mut Interpreter<'a>,
        function: &Rc<Function<'a>>,
        receiver: Option<&Value<'a>>,
        taint: Taint,
        bindings: Names<'a>,
        mode: Mode,
        depth: usize,
    ) -> Rc<Body<'a>> {
        let key = Key::new(function, receiver, &taint, &bindings, mode);
        match self.bodies.get(&key) {
            // A function that calls itself does nothing more than it does anyway.
            Some((_, None)) => return Rc::default(),
            Some((_, Some(body))) => return body.clone(),
            None => {}
        }
        self.walked += 1;
        if self.walked > MOST_WALKS {
            let unknown = Body {
                unknown: Some("it is too much to follow".into()),
                ..Body::default()
            };
            return Rc::new(unknown);
        }
        self.bodies.insert(key.clone(), (function.clone(), None));
        let scope = self.locals(interpreter, function, receiver);
        let mut walker = Walker::new(interpreter, self, function.clone(), scope, mode, depth);
        walker.taint = taint;
        walker.bindings = bindings;
        walker.note_carriers();
        walker.run();
        let body = Rc::new(std::mem::take(&mut walker.out));
        self.bodies
            .insert(key, (function.clone(), Some(body.clone())));
        body
    }
}
