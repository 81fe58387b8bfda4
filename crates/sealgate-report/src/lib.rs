//! The evidence report: what was measured of each control, and what was not shown.
//!
//! [`Facts`] are what was looked at, each with the time and the way it was looked at. A check ([`checks`]) asks one
//! question of them. A control of a framework stands on checks, and is shown only when all of them are. Nothing is
//! claimed because the program has a feature: only because something was measured of this installation. Pure.

mod catalogue;
mod checks;
mod facts;
mod judgement;
mod render;
mod report;
#[cfg(test)]
mod samples;
mod words;

pub use catalogue::{Control, Framework};
pub use checks::drill_ids;
pub use facts::{
    AccountFacts, ActFact, AnomalyFact, AuditFacts, ClientFact, DecisionFacts, DrillFact,
    DrillVerdict, Facts, GateFact, KeyFact, MachineFact, PolicyFacts, PublicRoute, ReceiptFacts,
    ReceiptGate, RouteFacts, Seen, ServerFacts, ServiceRoutes, SinkFact, StateFacts,
};
pub use judgement::{Evidence, Judgement, Status};
pub use render::{html, json, markdown};
pub use report::{Boundary, Line, Part, Report, Summary};
