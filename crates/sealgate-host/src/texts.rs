//! Reads the text files that another file names, by name or with a `*`, within limits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use thiserror::Error;

/// How much of it is read.
#[derive(Debug, Clone, Copy)]
pub struct TextsMost {
    /// The most files.
    pub files: usize,
    /// The longest file, in bytes.
    pub bytes: usize,
}

/// Why the files that are named cannot be read.
#[derive(Debug, Error)]
pub enum TextsError {
    /// No file is of that name.
    #[error("{0} names no file")]
    None(String),
    /// A `*` that is not in the last part of a path.
    #[error("{0} has a \"*\" in the name of a folder: name the folder, and the files with a \"*\"")]
    Pattern(String),
    /// There are more than are read.
    #[error("more than {0} files are named")]
    Many(usize),
    /// One is longer than is read.
    #[error("{0} is longer than {1} bytes")]
    Long(String, usize),
    /// One is no text.
    #[error("{0} is no text in UTF-8")]
    NoText(String),
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, io::Error),
}

/// The text of the files below `folder` that `patterns` name, by their names as these write them. A `*` in the
/// last part of a pattern stands for anything but a dot at its beginning.
///
/// # Errors
/// Where a pattern names no file: one that is misspelt would leave out what it was to bring in.
pub fn texts(
    folder: &Path,
    patterns: &[String],
    most: TextsMost,
) -> Result<BTreeMap<String, String>, TextsError> {
    let mut found = BTreeMap::new();
    for pattern in patterns {
        for name in names(folder, pattern)? {
            if found.len() >= most.files && !found.contains_key(&name) {
                return Err(TextsError::Many(most.files));
            }
            let text = read(&folder.join(&name), &name, most.bytes)?;
            found.insert(name, text);
        }
    }
    Ok(found)
}

fn names(folder: &Path, pattern: &str) -> Result<Vec<String>, TextsError> {
    let (above, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    if above.contains('*') {
        return Err(TextsError::Pattern(pattern.to_owned()));
    }
    if !last.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let unreadable = |error| TextsError::Unreadable(pattern.to_owned(), error);
    let within = if above.is_empty() && pattern.starts_with('/') {
        Path::new("/").to_path_buf()
    } else {
        folder.join(above)
    };
    let entries = match within.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(TextsError::None(pattern.to_owned()));
        }
        entries => entries.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if fits(last, &name) && entry.path().is_file() {
            let above = &pattern[..pattern.len() - last.len()];
            names.push(format!("{above}{name}"));
        }
    }
    if names.is_empty() {
        return Err(TextsError::None(pattern.to_owned()));
    }
    names.sort();
    Ok(names)
}

/// Whether `name` is one that `pattern` stands for.
fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn read(path: &Path, name: &str, most: usize) -> Result<String, TextsError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let outcome = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(TextsError::None(name.to_owned()))
        }
        Err(error) => Err(TextsError::Unreadable(name.to_owned(), error)),
        Ok(_) if bytes.len() > most => Err(TextsError::Long(name.to_owned(), most)),
        Ok(_) => String::from_utf8(bytes).map_err(|_| TextsError::NoText(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: TextsMost = TextsMost { files: 2, bytes: 8 };

    fn asked(patterns: &[&str]) -> Result<Vec<String>, TextsError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("p")).unwrap();
        for (name, text) in [
            ("p/a.cedar", "a"),
            ("p/b.cedar", "b"),
            ("p/.c.cedar", "c"),
            ("long", "123456789"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("bytes"), [0xff]).unwrap();
        let patterns: Vec<String> = patterns.iter().map(|&one| one.to_owned()).collect();
        texts(folder.path(), &patterns, MOST).map(|found| found.into_keys().collect())
    }

    #[test]
    fn a_star_stands_for_the_files_of_a_folder() {
        assert_eq!(asked(&["p/*.cedar"]).unwrap(), ["p/a.cedar", "p/b.cedar"]);
        assert_eq!(
            asked(&["p/a.cedar", "p/*"]).unwrap(),
            ["p/a.cedar", "p/b.cedar"]
        );
    }

    #[test]
    fn what_names_nothing_or_too_much_is_an_error() {
        assert!(matches!(asked(&["p/*.ceder"]), Err(TextsError::None(_))));
        assert!(matches!(asked(&["q/*.cedar"]), Err(TextsError::None(_))));
        assert!(matches!(asked(&["missing"]), Err(TextsError::None(_))));
        assert!(matches!(asked(&["*/a.cedar"]), Err(TextsError::Pattern(_))));
        assert!(matches!(asked(&["p/*", "bytes"]), Err(TextsError::Many(2))));
        assert!(matches!(asked(&["long"]), Err(TextsError::Long(_, 8))));
        assert!(matches!(asked(&["bytes"]), Err(TextsError::NoText(_))));
    }

    #[test]
    fn stars_fit_in_order() {
        assert!(fits("a*b*c", "axxbyyc") && fits("*", "x") && fits("a*", "a"));
        assert!(!fits("a*b*c", "acb") && !fits("*", ".x") && !fits("ab*ba", "aba"));
    }
}
