//! What is declared in a file and what there is, in one form; and how the one becomes the other.
//!
//! [`rows`] turns stored rows into what can be declared and back. The plan itself is `sealgate-plan`'s; who may
//! apply it, and whether each part of it is sound, is for `admin/state`.

mod last;
mod rows;
mod view;

pub(crate) use last::{Last, author};
pub(crate) use rows::{client_row, machine_row, resource_row};
pub(crate) use view::state_of;
