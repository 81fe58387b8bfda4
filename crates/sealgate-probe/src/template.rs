//! Path templates as Starlette has them: `/users/{id:int}/files/{name:path}`.

use crate::request::encode;

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    Parameter { name: &'a str, convertor: &'a str },
}

fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, (inside, after))) = rest
        .split_once('{')
        .and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        let (name, convertor) = inside.split_once(':').unwrap_or((inside, "str"));
        pieces.push(Piece::Parameter { name, convertor });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

/// The names of its parameters.
pub(crate) fn names(template: &str) -> Vec<String> {
    let pieces = pieces(template).into_iter();
    pieces
        .filter_map(|piece| match piece {
            Piece::Parameter { name, .. } => Some(name.to_owned()),
            Piece::Literal(_) => None,
        })
        .collect()
}

/// The template as `OpenAPI` has it: without convertors.
pub(crate) fn without_convertors(template: &str) -> String {
    let pieces = pieces(template).into_iter();
    pieces
        .map(|piece| match piece {
            Piece::Parameter { name, .. } => format!("{{{name}}}"),
            Piece::Literal(text) => text.to_owned(),
        })
        .collect()
}

/// Whether its last piece is a parameter.
pub(crate) fn ends_open(template: &str) -> Option<String> {
    match pieces(template).last() {
        Some(Piece::Parameter { name, convertor }) if matches!(*convertor, "str" | "path") => {
            Some((*name).to_owned())
        }
        _ => None,
    }
}

/// A path that it matches, percent-encoded: parameters are what `value` has for their names, else something
/// that their convertors take. `None` where a part of it is not known, as in `<settings.PREFIX>/users`.
pub(crate) fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    if template.contains('<') {
        return None;
    }
    let mut path = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Literal(text) => path.push_str(&encode(text)),
            Piece::Parameter { name, convertor } => {
                let usual = || usual(convertor).to_owned();
                let value = value(name).unwrap_or_else(usual);
                if convertor == "path" {
                    path.push_str(&encode(&value));
                } else {
                    path.push_str(&encode(&value).replace('/', "%2F"));
                }
            }
        }
    }
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    Some(path)
}

fn usual(convertor: &str) -> &'static str {
    match convertor {
        "float" => "1.5",
        "uuid" => "00000000-0000-4000-8000-000000000001",
        "path" => "a/b",
        _ => "1",
    }
}

/// Whether it matches a path, percent-encoded or not.
pub(crate) fn matches(template: &str, path: &str) -> bool {
    step(&pieces(template), path)
}

fn step(pieces: &[Piece<'_>], path: &str) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return path.is_empty();
    };
    match piece {
        Piece::Literal(text) => path
            .strip_prefix(text)
            .is_some_and(|below| step(rest, below)),
        Piece::Parameter { convertor, .. } => {
            let least = usize::from(*convertor != "path");
            let most = match *convertor {
                "path" => path.len(),
                _ => path.find('/').unwrap_or(path.len()),
            };
            (least..=most)
                .filter(|end| path.is_char_boundary(*end))
                .any(|end| takes(convertor, &path[..end]) && step(rest, &path[end..]))
        }
    }
}

fn takes(convertor: &str, text: &str) -> bool {
    match convertor {
        "int" => text.bytes().all(|byte| byte.is_ascii_digit()),
        "float" => text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.'),
        "uuid" => {
            text.len() >= 32
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_filled_by_their_type() {
        let given = |name: &str| (name == "who").then(|| "a b/c".to_owned());
        let path = fill("/u/{id:int}/{u:uuid}/{who}/{rest:path}", given);
        assert_eq!(
            path.unwrap(),
            "/u/1/00000000-0000-4000-8000-000000000001/a%20b%2Fc/a/b"
        );
        assert_eq!(fill("<settings.PREFIX>/users", given), None);
    }

    #[test]
    fn a_template_matches_what_its_framework_would() {
        for (template, path, expected) in [
            ("/users/{id}", "/users/1", true),
            ("/users/{id}", "/users/1/2", false),
            ("/users/{id}", "/users/", false),
            ("/users/{id:int}", "/users/me", false),
            ("/files/{name:path}", "/files/a/b", true),
            ("/files/{name:path}", "/files/", true),
            ("/a/{x}.json", "/a/b.json", true),
            ("/a", "/a/", false),
        ] {
            assert_eq!(matches(template, path), expected, "{template} {path}");
        }
    }

    proptest! {
        #[test]
        fn what_fills_a_template_is_matched_by_it(parts in prop::collection::vec(
            prop_oneof!["[a-z]{1,4}", Just("{a}".to_owned()), Just("{b:int}".to_owned()),
                        Just("{c:uuid}".to_owned()), Just("{d:path}".to_owned()), Just("{e:float}".to_owned())], 0..6)) {
            let template = format!("/{}", parts.join("/"));
            let path = fill(&template, |_| None).unwrap();
            prop_assert!(matches(&template, &path), "{template} {path}");
        }

        #[test]
        fn no_template_makes_it_fail(template in ".{0,40}", path in ".{0,40}") {
            let _ = (fill(&template, |_| None), matches(&template, &path), names(&template));
        }
    }
}
