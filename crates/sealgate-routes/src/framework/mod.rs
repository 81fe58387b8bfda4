//! What FastAPI's and Starlette's classes do, as far as routes, gates and mounts are concerned.
//!
//! Their objects hold what Python's hold: lists of routes and middleware that the source may change like any
//! other list. The table is then read off them as a request would go through them.

mod applications;
mod around;
mod attributes;
mod construct;
mod data;
mod docs;
mod external;
mod known;
mod libraries;
mod methods;
mod strays;
mod table;
#[cfg(test)]
mod tests;
mod views;

pub(crate) use applications::{applications, orphans};
pub(crate) use attributes::{attribute, set_attribute};
pub(crate) use construct::construct;
pub(crate) use data::{Added, Framework, Middleware};
pub(crate) use external::{MCP_DOOR, call_external, public_paths};
pub(crate) use known::{Known, known};
pub(crate) use methods::{call_method, some_method};
pub(crate) use strays::{stand_in, stray};
pub(crate) use table::{FlatRoute, Layer};
