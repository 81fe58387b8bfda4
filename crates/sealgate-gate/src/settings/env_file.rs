//! Settings in a file: lines of `NAME=VALUE`, as for a shell but without anything that a shell does.
//!
//! Other programs may keep their settings in the same file, so that only what begins with `SEALGATE_`
//! is looked at; of that, whatever is not understood is refused.

use sealgate_model::Secret;

use super::names::{PREFIX, known, nearest};

/// The most bytes of a file.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// One setting.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    pub(super) name: &'static str,
    /// Without quotes. Whether it is a secret depends on the name.
    pub(super) value: Secret,
}

/// A line that is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) number: usize,
    /// The setting, or what stands in its place.
    pub(super) name: String,
    pub(super) problem: String,
}

/// Reads the lines of a file. A byte order mark and line ends of Windows change nothing.
pub(super) fn parse(text: &str) -> Result<Vec<Line>, Wrong> {
    let mut lines: Vec<Line> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let Some((name, value)) = split(line) else {
            continue;
        };
        let wrong = |problem: String| Wrong {
            number,
            name: shown(name),
            problem,
        };
        let Some(name) = known(name) else {
            return Err(wrong(match nearest(name) {
                Some(meant) => format!("is no setting of the gate: did you mean {meant}?"),
                None => "is no setting of the gate: take the line out".to_owned(),
            }));
        };
        let Some(value) = value else {
            return Err(wrong("has no value: write NAME=VALUE".to_owned()));
        };
        if let Some(before) = lines.iter().find(|line| line.name == name) {
            let problem = format!("was set in line {} before: keep one", before.number);
            return Err(wrong(problem));
        }
        let value = unquoted(value).map_err(|problem| wrong(problem.to_owned()))?;
        lines.push(Line {
            number,
            name,
            value: Secret::new(value),
        });
    }
    Ok(lines)
}

/// The name and what follows the `=`, of a line that is about us.
fn split(line: &str) -> Option<(&str, Option<&str>)> {
    let line = line.trim();
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let ours = line.get(..PREFIX.len())?;
    if !ours.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    Some(match line.split_once('=') {
        Some((name, value)) => (name.trim_end(), Some(value.trim())),
        None => (line.split_whitespace().next().unwrap_or(line), None),
    })
}

/// The value as it is meant. What programs read differently is refused rather than guessed.
fn unquoted(value: &str) -> Result<&str, &'static str> {
    if value.contains(char::is_control) {
        return Err("holds a control character");
    }
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    let Some(quote) = quote else {
        if value.contains(" #") || value.contains("\t#") {
            return Err("has ` #` in its value: put comments on lines of their own");
        }
        return Ok(value);
    };
    let inner = value
        .strip_prefix(quote)
        .and_then(|rest| rest.strip_suffix(quote))
        .ok_or("begins with a quote that does not end the line")?;
    if inner.contains(quote) {
        return Err("has a quote inside its quotes");
    }
    Ok(inner)
}

/// A name as it can be told: somebody may have put a secret where it belongs.
fn shown(name: &str) -> String {
    let sound = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    name.chars().take_while(sound).take(64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(usize, &'static str, String)> {
        let lines = parse(text).unwrap();
        lines
            .into_iter()
            .map(|line| (line.number, line.name, line.value.expose().to_owned()))
            .collect()
    }

    fn refused(text: &str) -> String {
        let wrong = parse(text).unwrap_err();
        format!("{}: {} {}", wrong.number, wrong.name, wrong.problem)
    }

    #[test]
    fn ours_are_read_and_the_others_are_left_alone() {
        let text = "\u{feff}# settings\r\nDATABASE_URL=\"a # b\r\n\r\nSEALGATE_ISSUER=https://id.example\r\n\
                    export SEALGATE_SCOPES = \"openid profile\"\nSEALGATE_CLIENT_ID='$HOME'\nnonsense\nSEALGATE_DOCS=";
        assert_eq!(
            read(text),
            [
                (4, "SEALGATE_ISSUER", "https://id.example".to_owned()),
                (5, "SEALGATE_SCOPES", "openid profile".to_owned()),
                (6, "SEALGATE_CLIENT_ID", "$HOME".to_owned()),
                (8, "SEALGATE_DOCS", String::new()),
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, says) in [
            (
                "\nSEALGATE_ISUER=x",
                "2: SEALGATE_ISUER is no setting of the gate: did you mean SEALGATE_ISSUER?",
            ),
            ("sealgate_issuer=x", "did you mean SEALGATE_ISSUER?"),
            ("SEALGATE_DATA_DIR=x", "take the line out"),
            ("SEALGATE_ISSUER", "1: SEALGATE_ISSUER has no value"),
            (
                "SEALGATE_ISSUER https://id.example",
                "SEALGATE_ISSUER has no value",
            ),
            (
                "SEALGATE_DOCS=open\nSEALGATE_DOCS=open",
                "2: SEALGATE_DOCS was set in line 1",
            ),
            ("SEALGATE_DOCS=open # for now", "lines of their own"),
            ("SEALGATE_DOCS=\"open", "does not end the line"),
            ("SEALGATE_DOCS=\"", "does not end the line"),
            ("SEALGATE_DOCS='open' # for now", "does not end the line"),
            ("SEALGATE_DOCS='o'p'en'", "inside its quotes"),
            ("SEALGATE_DOCS=o\u{1b}", "control character"),
            ("SEALGATE_\u{1b}[2J=x", "1: SEALGATE_ is no setting"),
        ] {
            let said = refused(text);
            assert!(said.contains(says), "{text:?}: {said}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_value_comes_back_as_it_was(value in "[ -!#-~]{0,40}", others in "[a-z =#'\"\n]{0,40}") {
            let text = format!("{others}\nSEALGATE_AFTER_LOGOUT=\"{value}\"\n");
            let lines = read(&text);
            prop_assert_eq!(&lines.last().unwrap().2, &value);
            prop_assert_eq!(lines.len(), 1);
        }

        #[test]
        fn whatever_stands_in_a_file_nothing_of_a_value_is_told(noise in "\\PC{0,60}") {
            let text = format!("SEALGATE_CLIENT_SECRET={noise}hunter2{noise}\nSEALGATE_SEAL_KEYS {noise}hunter2");
            if let Err(wrong) = parse(&text) {
                let told = format!("{wrong:?}");
                prop_assert!(!told.contains("hunter2"), "{}", told);
            }
        }
    }
}
