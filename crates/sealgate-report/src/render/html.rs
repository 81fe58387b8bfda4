//! The report as one HTML page that needs nothing besides itself.

use askama::Template;

use super::{HOW_TO_READ, Sheet, Told, sheets};
use crate::report::Report;
use crate::words;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    made: String,
    how_to_read: &'static str,
    sheets: Vec<Sheet>,
}

impl Page<'_> {
    /// What a judgement says.
    fn told(judgement: &crate::Judgement) -> Told {
        Told::of(judgement)
    }
}

/// The report as one HTML page: no script, no font, no picture from elsewhere, light and dark, and readable on
/// paper. Whatever came from elsewhere is escaped.
pub fn html(report: &Report) -> Result<String, askama::Error> {
    Page {
        report,
        made: words::moment(report.taken_at),
        how_to_read: HOW_TO_READ,
        sheets: sheets(&report.facts),
    }
    .render()
}
