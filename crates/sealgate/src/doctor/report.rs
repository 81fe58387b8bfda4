//! What was found, and how it is told.

use std::fmt::Write as _;

use serde::Serialize;

use crate::failure::Failure;
use crate::output::Text;
use crate::screen::clean;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It is right.
    Ok,
    /// It could not be seen from here, or there is nothing to see.
    Skip,
    /// It works, and somebody should look at it.
    Warn,
    /// It must be fixed.
    Fix,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fix => "fix",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    check: &'static str,
    verdict: Verdict,
    /// One sentence, without a full stop.
    detail: String,
    /// What to do about it.
    hint: Option<String>,
}

/// Everything that was found, in the order of looking.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn good(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Verdict::Ok, detail.into(), None);
    }

    pub(super) fn skip(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Verdict::Skip, detail.into(), None);
    }

    pub(super) fn warn(
        &mut self,
        check: &'static str,
        detail: impl Into<String>,
        hint: Option<String>,
    ) {
        self.add(check, Verdict::Warn, detail.into(), hint);
    }

    pub(super) fn fix(
        &mut self,
        check: &'static str,
        detail: impl Into<String>,
        hint: Option<String>,
    ) {
        self.add(check, Verdict::Fix, detail.into(), hint);
    }

    /// What failed in a way that is told elsewhere too.
    pub(super) fn failed(&mut self, check: &'static str, failure: &Failure) {
        let (detail, hint) = failure.sentences();
        self.add(check, Verdict::Fix, detail, hint);
    }

    fn add(&mut self, check: &'static str, verdict: Verdict, detail: String, hint: Option<String>) {
        self.findings.push(Finding {
            check,
            verdict,
            detail,
            hint,
        });
    }

    /// Whether nothing must be fixed.
    pub(super) fn is_healthy(&self) -> bool {
        self.count(Verdict::Fix) == 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        let all = self.findings.iter();
        all.filter(|finding| finding.verdict == verdict).count()
    }

    pub(super) fn text(&self) -> Text {
        let mut data = String::new();
        for finding in &self.findings {
            let detail = clean(&finding.detail);
            // Writing to a String cannot fail.
            let _ = writeln!(
                data,
                "{:<4}  {:<8}  {detail}",
                finding.verdict.word(),
                finding.check
            );
            if let Some(hint) = &finding.hint {
                let _ = writeln!(data, "{:16}hint: {}", "", clean(hint));
            }
        }
        let (fixes, warnings) = (self.count(Verdict::Fix), self.count(Verdict::Warn));
        let talk = match (fixes, warnings) {
            (0, 0) => "Everything that was looked at is right.\n".to_owned(),
            (0, warnings) => format!("Nothing must be fixed; {warnings} to look at.\n"),
            (fixes, warnings) => format!("{fixes} to fix, {warnings} to look at.\n"),
        };
        Text { data, talk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_to_do_about_what_it_finds() {
        let mut report = Report::default();
        report.good("settings", "there is no settings file");
        report.warn("clients", "a\u{1b}[2Jb", None);
        report.fix(
            "data",
            "sealgate-data is open to other users of this machine (mode 755)",
            Some("run: chmod 700 sealgate-data".to_owned()),
        );
        assert!(!report.is_healthy());
        let text = report.text();
        insta::assert_snapshot!(text.data, @r"
        ok    settings  there is no settings file
        warn  clients   a�[2Jb
        fix   data      sealgate-data is open to other users of this machine (mode 755)
                        hint: run: chmod 700 sealgate-data
        ");
        assert_eq!(text.talk, "1 to fix, 1 to look at.\n");
        insta::assert_snapshot!(serde_json::to_string(&report.findings[2]).unwrap(), @r#"{"check":"data","verdict":"fix","detail":"sealgate-data is open to other users of this machine (mode 755)","hint":"run: chmod 700 sealgate-data"}"#);
    }
}
