//! The report as Markdown.

use std::fmt::Write as _;

use super::{HOW_TO_READ, Sheet, Told, sheets};
use crate::report::{Part, Report};
use crate::words::moment;

/// The report as Markdown (`CommonMark` with tables). Whatever came from elsewhere is escaped: it can make neither
/// markup nor another line or column.
pub fn markdown(report: &Report) -> String {
    let summary = report.summary;
    let mut out = format!(
        "# Evidence report\n\nMade {} by sealgate {}.\n\n{HOW_TO_READ}\n\n",
        moment(report.taken_at),
        escaped(&report.version)
    );
    out.push_str("| shown | partly shown | not shown | not met | not applicable |\n");
    out.push_str("| ---: | ---: | ---: | ---: | ---: |\n");
    let _ = writeln!(
        out,
        "| {} | {} | {} | {} | {} |",
        summary.shown,
        summary.partly_shown,
        summary.not_shown,
        summary.not_met,
        summary.not_applicable
    );
    out.push_str(
        "\n## The control boundary\n\n| concern | whose | answers for |\n| --- | --- | --- |\n",
    );
    for line in &report.boundary {
        let owner = line.owner.as_deref().unwrap_or("not shown");
        row(&mut out, &[line.concern, owner, &line.says]);
    }
    for part in &report.parts {
        framework(&mut out, part);
    }
    for sheet in sheets(&report.facts) {
        table(&mut out, &sheet);
    }
    out
}

fn framework(out: &mut String, part: &Part) {
    let _ = writeln!(out, "\n## {}\n", escaped(&part.name));
    out.push_str("| control | asks | | evidence |\n| --- | --- | --- | --- |\n");
    for line in &part.lines {
        let evidence: Vec<String> = line
            .judgements
            .iter()
            .map(|judgement| {
                let told = Told::of(judgement);
                let by = told.by.map(|by| format!(" ({})", escaped(&by)));
                format!(
                    "{}: {}{}",
                    told.mark,
                    escaped(&told.says),
                    by.unwrap_or_default()
                )
            })
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            escaped(&line.id),
            escaped(&line.asks),
            line.status.words(),
            evidence.join("<br>")
        );
    }
}

fn table(out: &mut String, sheet: &Sheet) {
    let _ = writeln!(out, "\n## {}\n", sheet.title);
    if let Some(missing) = &sheet.missing {
        out.push_str(&escaped(missing));
        out.push('\n');
        return;
    }
    row(out, &sheet.columns);
    let _ = writeln!(out, "|{}", " --- |".repeat(sheet.columns.len()));
    for cells in &sheet.rows {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        row(out, &cells);
    }
}

fn row(out: &mut String, cells: &[&str]) {
    out.push('|');
    for cell in cells {
        let _ = write!(out, " {} |", escaped(cell));
    }
    out.push('\n');
}

/// Text as text: no markup, no HTML, one line.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || is_unseen(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// What turns the direction of text around or cannot be seen.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_makes_no_markup() {
        assert_eq!(
            escaped("<b>*x*</b>|[a](b)\nnext\u{202e}"),
            "&lt;b&gt;\\*x\\*&lt;/b&gt;\\|\\[a\\](b) next "
        );
    }
}
