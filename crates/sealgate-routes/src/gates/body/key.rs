//! By what the finding about a body is kept.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Body, Mode, address};
use crate::evaluate::value::{Function, Names, Value};
use crate::gates::bearing::Taint;

/// What was found of the bodies of functions, by what they were handed.
pub(in crate::gates) type Bodies<'a> = FxHashMap<Key, (Rc<Function<'a>>, Option<Rc<Body<'a>>>)>;

/// A function, what it is a method of, and which of its parameters come from the caller.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::gates) struct Key {
    function: usize,
    receiver: usize,
    taint: Vec<Rc<str>>,
    mode: Mode,
}

impl Key {
    pub(in crate::gates) fn new(
        function: &Rc<Function<'_>>,
        receiver: Option<&Value<'_>>,
        taint: &Taint,
        bindings: &Names<'_>,
        mode: Mode,
    ) -> Self {
        let receiver = receiver.map_or(0, address);
        let mut names: Vec<Rc<str>> = Vec::new();
        for (mark, set) in [
            ('=', &taint.carriers),
            ('!', &taint.credentials),
            ('/', &taint.paths),
        ] {
            names.extend(set.iter().map(|name| format!("{mark}{name}").into()));
        }
        for (name, value) in bindings {
            names.push(format!("{name}={}", crate::gates::tree::texts(value).join(",")).into());
        }
        names.sort();
        Self {
            function: Rc::as_ptr(function).addr(),
            receiver,
            taint: names,
            mode,
        }
    }
}
