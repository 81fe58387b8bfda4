//! Cedar policies as texts: each statement by its id, its effect, and what it says without the way it is set.

use std::collections::BTreeMap;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It permits.
    Permit,
    /// It forbids.
    Forbid,
}

/// One statement of a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Its `@id`, or its file and number in it.
    pub(crate) id: String,
    /// What it does.
    pub(crate) effect: Effect,
    /// Its text as it stands in the file.
    pub(crate) text: String,
    /// Its text without comments, and with one space for any.
    pub(crate) meaning: String,
}

/// Every statement of the files, in their order. The text is not judged: what is no policy is a statement whose
/// text differs all the same.
pub(crate) fn statements(files: &BTreeMap<String, String>) -> Vec<Statement> {
    let mut all = Vec::new();
    for (file, text) in files {
        for (number, piece) in pieces(text).into_iter().enumerate() {
            let meaning = meaning(piece);
            if meaning.is_empty() {
                continue;
            }
            let id = annotated(&meaning).unwrap_or_else(|| format!("{file}#{}", number + 1));
            let effect = if bare(&meaning).contains("forbid") {
                Effect::Forbid
            } else {
                Effect::Permit
            };
            let text = piece.trim().to_owned();
            all.push(Statement {
                id,
                effect,
                text,
                meaning,
            });
        }
    }
    all
}

/// What a scanner is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Code,
    Text,
    Comment,
}

/// Walks a text, telling of each character what it stands in.
fn walk(text: &str, mut each: impl FnMut(usize, char, Within)) {
    let mut within = Within::Code;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match within {
            Within::Code if c == '"' => {
                each(at, c, Within::Text);
                within = Within::Text;
            }
            Within::Code if text[at..].starts_with("//") => {
                within = Within::Comment;
                each(at, c, within);
            }
            Within::Text => {
                each(at, c, Within::Text);
                if c == '"' && !escaped {
                    within = Within::Code;
                }
                escaped = c == '\\' && !escaped;
            }
            Within::Comment if c == '\n' => {
                within = Within::Code;
                each(at, c, within);
            }
            other => each(at, c, other),
        }
    }
}

/// The texts between semicolons.
fn pieces(text: &str) -> Vec<&str> {
    let mut ends = Vec::new();
    walk(text, |at, c, within| {
        if c == ';' && within == Within::Code {
            ends.push(at + 1);
        }
    });
    ends.push(text.len());
    let mut start = 0;
    ends.into_iter()
        .map(|end| {
            let piece = &text[start..end];
            start = end;
            piece
        })
        .collect()
}

/// Without comments, and with one space for any.
fn meaning(text: &str) -> String {
    let mut kept = String::new();
    walk(text, |_, c, within| match within {
        Within::Comment => {}
        Within::Code if c.is_whitespace() => {
            if !kept.is_empty() && !kept.ends_with(' ') {
                kept.push(' ');
            }
        }
        Within::Code | Within::Text => kept.push(c),
    });
    kept.trim_end().to_owned()
}

/// The statement's beginning, without texts and annotations' values: where its effect stands.
fn bare(text: &str) -> String {
    let mut kept = String::new();
    walk(text, |_, c, within| {
        if within == Within::Code {
            kept.push(c);
        }
    });
    let mut rest = kept.as_str();
    // Annotations come first: @name or @name().
    while let Some(after) = rest.trim_start().strip_prefix('@') {
        let end = after
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(after.len());
        let after = after[end..].trim_start();
        rest = match after.strip_prefix('(') {
            Some(inside) => inside.split_once(')').map_or("", |(_, rest)| rest),
            None => after,
        };
    }
    let words = rest.trim_start();
    words.split('(').next().unwrap_or_default().to_owned()
}

/// What `@id("…")` says.
fn annotated(meaning: &str) -> Option<String> {
    let after = meaning.split_once("@id")?.1.trim_start();
    let inside = after.strip_prefix('(')?.trim_start().strip_prefix('"')?;
    let end = inside.find('"')?;
    let id = &inside[..end];
    (!id.is_empty() && id.len() <= 200).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Statement> {
        statements(&BTreeMap::from([("a.cedar".to_owned(), text.to_owned())]))
    }

    #[test]
    fn statements_are_told_apart_by_id_and_effect() {
        let all = of(r#"
            // permit; everything
            @id("read") @advice("forbid; nothing") permit (principal, action, resource);
            forbid(principal, action == Action::"a;b", resource) unless { context.x == "\";" };
        "#);
        let told: Vec<_> = all
            .iter()
            .map(|one| (one.id.as_str(), one.effect))
            .collect();
        assert_eq!(
            told,
            [("read", Effect::Permit), ("a.cedar#2", Effect::Forbid)]
        );
        assert!(all[0].text.starts_with("// permit"));
        assert!(!all[0].meaning.contains("everything"));
    }

    #[test]
    fn the_way_it_is_set_means_nothing() {
        let one = of("permit (principal,action,resource) ;");
        let other = of("// why\npermit  (principal,action,resource)\n;");
        assert_eq!(one[0].meaning, other[0].meaning);
        assert!(of("  // nothing\n").is_empty());
    }
}
