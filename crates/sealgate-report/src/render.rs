//! What people and programs read of a report.

mod html;
mod markdown;
#[cfg(test)]
mod tests;

use crate::judgement::Judgement;
use crate::report::Report;
use crate::words;

pub use html::html;
pub use markdown::markdown;

/// The report as one JSON document, whole, with the facts it was made of.
pub fn json(report: &Report) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// A judgement as people read it: how it stands, what it says, and by what.
pub(crate) struct Told {
    pub(crate) mark: &'static str,
    pub(crate) class: &'static str,
    pub(crate) says: String,
    pub(crate) by: Option<String>,
}

impl Told {
    pub(crate) fn of(judgement: &Judgement) -> Self {
        let (mark, class) = match judgement {
            Judgement::Shown(_) => ("shown", "shown"),
            Judgement::Failed(_) => ("not met", "not-met"),
            Judgement::NotShown { .. } => ("not shown", "not-shown"),
            Judgement::NotApplicable { .. } => ("not applicable", "not-applicable"),
        };
        match judgement {
            Judgement::Shown(evidence) | Judgement::Failed(evidence) => Self {
                mark,
                class,
                says: evidence.says.clone(),
                by: Some(format!("{}, {}", evidence.by, words::moment(evidence.at))),
            },
            Judgement::NotShown { why } | Judgement::NotApplicable { why } => Self {
                mark,
                class,
                says: why.clone(),
                by: None,
            },
        }
    }
}

/// What is said on top of every report, so that nobody reads more into it than was measured.
pub(crate) const HOW_TO_READ: &str = "Each line stands on what was measured when this was made, or says that it was \
not shown. A line is shown only when everything it stands on was measured and is so. That the program can do \
something is no evidence, and is nowhere taken for it.";

/// A sheet of facts beside the controls: its title, what is said where there are none, columns and rows.
pub(crate) struct Sheet {
    pub(crate) title: &'static str,
    pub(crate) missing: Option<String>,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

mod sheets;
pub(crate) use sheets::sheets;
