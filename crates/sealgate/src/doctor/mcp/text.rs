//! The report for people: what was looked at, then a line for each client.

use std::fmt::Write as _;

use super::Examined;
use super::play::{Fate, Played};
use crate::output::Text;
use crate::screen::clean;

/// How far under its client a line is told.
const INDENT: usize = 24;

pub(super) fn text(examined: &Examined, steps: bool) -> Text {
    let mut told = examined.report.text();
    told.data.push('\n');
    for client in &examined.clients {
        one(&mut told.data, client, steps);
    }
    let all = examined.clients.len();
    let _ = match examined.failing() {
        0 => writeln!(told.talk, "None of {all} clients would fail."),
        failing => writeln!(told.talk, "{failing} of {all} clients would fail."),
    };
    told
}

// Writing to a String cannot fail.
fn one(data: &mut String, client: &Played, steps: bool) {
    let word = match client.fate {
        Fate::Works => "works",
        Fate::Maybe => "maybe",
        Fate::Asks => "asks",
        Fate::Closed => "closed",
        Fate::Fails => "fails",
    };
    let summary = match (
        &client.failing,
        client
            .steps
            .iter()
            .rev()
            .find(|step| step.step == "registration"),
    ) {
        (Some(failing), _) => format!("at the {}: {}", failing.step, failing.because),
        (None, Some(step)) => step.detail.clone(),
        (None, None) => client
            .steps
            .last()
            .map(|step| step.detail.clone())
            .unwrap_or_default(),
    };
    let far = if client.out_of_reach {
        "; it asks from its vendor's machines, which cannot reach this address"
    } else {
        ""
    };
    let _ = writeln!(
        data,
        "{word:<6}  {:<14}  {}{far}",
        client.client,
        clean(&summary)
    );
    if let Some(failing) = &client.failing {
        let _ = writeln!(data, "{:INDENT$}hint: {}", "", clean(&failing.fix));
        if let Some(source) = failing.source {
            let _ = writeln!(data, "{:INDENT$}source: {source}", "");
        }
    }
    if !steps {
        return;
    }
    for step in &client.steps {
        let _ = writeln!(data, "{:INDENT$}{}: {}", "", step.step, clean(&step.detail));
    }
    for note in &client.notes {
        let _ = writeln!(data, "{:INDENT$}note: {} ({})", "", note.note, note.source);
    }
    if !client.assumed.is_empty() {
        let _ = writeln!(
            data,
            "{:INDENT$}not published, taken from the specification: {}",
            "",
            client.assumed.join(", ")
        );
    }
}
