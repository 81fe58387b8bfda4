//! What routes ask for, by number: a request hands over a number and no text.

use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sealgate_gate::{Kinds, Requirement};
use sealgate_model::ActorKind;

/// The number of [`Requirement::Unmarked`].
pub(crate) const UNMARKED: usize = 0;

/// The number of [`Requirement::Unreviewed`].
pub(crate) const UNREVIEWED: usize = 1;

/// The registered requirements. They come from the application's code and are never taken back.
pub(crate) struct Requirements(RwLock<Vec<Arc<Requirement>>>);

impl Requirements {
    pub(crate) fn new() -> Self {
        Self(RwLock::new(vec![
            Arc::new(Requirement::Unmarked),
            Arc::new(Requirement::Unreviewed),
        ]))
    }

    /// The number of `requirement`; equal ones share it.
    pub(crate) fn register(&self, requirement: Requirement) -> usize {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.iter().position(|other| **other == requirement) {
            return number;
        }
        known.push(Arc::new(requirement));
        known.len() - 1
    }

    /// The requirement of this number, if there is one.
    pub(crate) fn get(&self, number: usize) -> Option<Arc<Requirement>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(number)
            .cloned()
    }
}

/// The kinds of actor of these names.
pub(crate) fn read_kinds(names: &[String]) -> PyResult<Kinds> {
    let mut kinds: Option<Kinds> = None;
    for name in names {
        let kind = match name.as_str() {
            "user" => ActorKind::User,
            "machine" => ActorKind::Machine,
            "agent" => ActorKind::Agent,
            _ => return Err(PyValueError::new_err("a kind is user, machine or agent")),
        };
        kinds = Some(kinds.map_or(Kinds::only(kind), |kinds| kinds.and(kind)));
    }
    kinds.ok_or_else(|| PyValueError::new_err("name at least one kind of actor"))
}
