//! The record of acts and decisions: the chain that makes alterations show ([`chain`]), what gates report of
//! their decisions ([`decision`]), the forms that other systems read ([`forms`]), and what in all of it should
//! worry somebody ([`anomaly`]). Pure.

pub mod anomaly;
pub mod chain;
pub mod decision;
pub mod forms;
pub mod gate;
