//! The text of policies, taken apart as far as it takes to say where something is, and how long and how deep it
//! is before it is parsed. What it means is for Cedar alone.

use std::ops::Range;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A name or a number.
    Word,
    /// A string with its quotes.
    Text,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// `,`.
    Comma,
    /// `;`.
    End,
    /// Anything else; `&&`, `||` and `::` are one piece each.
    Sign,
}

/// How deep a bracket counts: the reader goes through every kind of operator to get to what is in one.
const BRACKET: usize = 4;

/// One piece, between two places in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) piece: Piece,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One policy in the text of a file, up to its semicolon.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// Where it is in the file, in bytes, without the space and the comments before it.
    pub(crate) range: Range<usize>,
    pub(crate) tokens: Vec<Token>,
    /// How deep its expressions are nested, at most. A chain of operators is as deep as it is long.
    pub(crate) depth: usize,
}

/// One `when` or `unless`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Whether it is `unless`.
    pub(crate) negated: bool,
    /// What is within its braces, or each part of that where it is joined by `&&`.
    pub(crate) parts: Vec<Range<usize>>,
}

/// The parts of a policy that Cedar has found to be one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Anatomy {
    /// What stands in parentheses: principal, action and resource.
    pub(crate) scope: Vec<Range<usize>>,
    pub(crate) conditions: Vec<Condition>,
}

/// The policies in `text`, in order. What is behind the last semicolon is one too, if it is anything.
pub(crate) fn statements(text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut tokens = Vec::new();
    for token in pieces(text) {
        let is_end = token.piece == Piece::End;
        tokens.push(token);
        if is_end {
            found.extend(Statement::of(text, std::mem::take(&mut tokens)));
        }
    }
    found.extend(Statement::of(text, tokens));
    found
}

impl Statement {
    fn of(text: &str, tokens: Vec<Token>) -> Option<Self> {
        let (first, last) = (tokens.first()?, tokens.last()?);
        Some(Self {
            range: first.start..last.end,
            depth: depth(text, &tokens),
            tokens,
        })
    }

    /// Its parts. Nothing of it is relied on: a part that is not found is not told of.
    pub(crate) fn anatomy(&self, text: &str) -> Anatomy {
        let mut anatomy = Anatomy::default();
        let word = |token: &Token| &text[token.start..token.end];
        let mut rest = self.tokens.as_slice();
        while let [at, _, open, _, close, after @ ..] = rest {
            if word(at) != "@" || word(open) != "(" || word(close) != ")" {
                break;
            }
            rest = after;
        }
        let [_, open, ..] = rest else {
            return anatomy;
        };
        if word(open) != "(" {
            return anatomy;
        }
        let Some((within, mut rest)) = bracketed(&rest[1..]) else {
            return anatomy;
        };
        anatomy.scope = split(within, |token| token.piece == Piece::Comma);
        while let [keyword, after @ ..] = rest {
            let negated = match word(keyword) {
                "when" => false,
                "unless" => true,
                _ => break,
            };
            let Some((within, after)) = bracketed(after) else {
                break;
            };
            let is_whole = top(within).any(|token| matches!(word(token), "||" | "if"));
            let parts = if is_whole {
                split(within, |_| false)
            } else {
                split(within, |token| word(token) == "&&")
            };
            anatomy.conditions.push(Condition { negated, parts });
            rest = after;
        }
        anatomy
    }
}

/// How deep what stands in one bracket is, as far as it was read.
#[derive(Default)]
struct Level {
    /// Operators since the last `&&`, `||` or comma.
    operators: usize,
    /// The deepest bracket since then.
    within: usize,
    /// The deepest of what the last `&&`s and `||`s join.
    joined: usize,
    /// How many of these there are.
    joints: usize,
    /// The deepest of what commas part.
    parted: usize,
}

impl Level {
    fn join(&mut self) {
        self.joined = self.joined.max(self.operators + self.within);
        self.joints += 1;
        (self.operators, self.within) = (0, 0);
    }

    fn part(&mut self) {
        let last = self.joined.max(self.operators + self.within);
        *self = Self {
            parted: self.parted.max(self.joints + last),
            ..Self::default()
        };
    }
}

/// How deep the expressions in `tokens` are nested, at most: more than Cedar nests them, and never less.
fn depth(text: &str, tokens: &[Token]) -> usize {
    let (mut level, mut above) = (Level::default(), Vec::new());
    for token in tokens {
        match (token.piece, &text[token.start..token.end]) {
            (Piece::Open, _) => above.push(std::mem::take(&mut level)),
            (Piece::Close, _) => {
                level.part();
                let depth = level.parted + BRACKET;
                level = above.pop().unwrap_or_default();
                level.within = level.within.max(depth);
            }
            (Piece::Comma, _) => level.part(),
            (Piece::Sign, "&&" | "||") | (Piece::Word, "when" | "unless") => level.join(),
            (Piece::Sign, "::") => {}
            (Piece::Sign, _) | (Piece::Word, "in" | "is" | "has" | "like" | "if") => {
                level.operators += 1;
            }
            _ => {}
        }
    }
    // Brackets that nothing closes are as deep as they are many.
    let open = above.len();
    while let Some(outer) = above.pop() {
        level.part();
        let depth = level.parted;
        level = outer;
        level.within = level.within.max(depth);
    }
    level.part();
    level.parted + open * BRACKET
}

/// What is within the bracket that `tokens` begin with, and what is behind it.
fn bracketed(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    if tokens.first()?.piece != Piece::Open {
        return None;
    }
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.piece {
            Piece::Open => depth += 1,
            Piece::Close => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((&tokens[1..at], &tokens[at + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// The tokens that are in no bracket.
fn top(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let mut depth = 0_usize;
    tokens.iter().filter(move |token| {
        let was = depth;
        match token.piece {
            Piece::Open => depth += 1,
            Piece::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        was == 0
    })
}

fn split(tokens: &[Token], is_between: impl Fn(&Token) -> bool) -> Vec<Range<usize>> {
    let mut cuts: Vec<usize> = top(tokens)
        .filter(|token| is_between(token))
        .map(|token| token.start)
        .collect();
    cuts.push(usize::MAX);
    let mut rest = tokens;
    let mut parts = Vec::new();
    for cut in cuts {
        let count = rest.iter().take_while(|token| token.start < cut).count();
        if let [first, ..] = &rest[..count] {
            parts.push(first.start..rest[count - 1].end);
        }
        rest = rest.get(count + 1..).unwrap_or_default();
    }
    parts
}

/// Every piece of `text`; space and comments are none.
fn pieces(text: &str) -> impl Iterator<Item = Token> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let first = text.get(at..)?.chars().next()?;
            // All that Cedar passes over: what is space to it parts words here, or they would seem to be one.
            if first.is_whitespace() {
                at += first.len_utf8();
            } else if bytes[at..].starts_with(b"//") {
                at += line(&bytes[at..]);
            } else {
                break;
            }
        }
        let start = at;
        let rest = &bytes[at..];
        let (piece, length) = match rest[0] {
            b'"' => (Piece::Text, string(rest)),
            b'(' | b'[' | b'{' => (Piece::Open, 1),
            b')' | b']' | b'}' => (Piece::Close, 1),
            b',' => (Piece::Comma, 1),
            b';' => (Piece::End, 1),
            one if is_word(char::from(one)) || !one.is_ascii() => {
                let word = text[at..].chars().take_while(|&one| is_word(one));
                (Piece::Word, word.map(char::len_utf8).sum::<usize>().max(1))
            }
            _ if [b"&&", b"||", b"::"]
                .iter()
                .any(|two| rest.starts_with(*two)) =>
            {
                (Piece::Sign, 2)
            }
            _ => (Piece::Sign, 1),
        };
        at = start + length;
        Some(Token {
            piece,
            start,
            end: at,
        })
    })
}

fn line(bytes: &[u8]) -> usize {
    let length = bytes.iter().position(|&one| matches!(one, b'\n' | b'\r'));
    length.unwrap_or(bytes.len())
}

/// How long the string is that `bytes` begin with.
fn string(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (at, &one) in bytes.iter().enumerate().skip(1) {
        match one {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

/// Whether a name or number goes on with it. Other characters than space count, so that none is cut.
fn is_word(one: char) -> bool {
    one.is_ascii_alphanumeric() || one == '_' || (!one.is_ascii() && !one.is_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = r#"
        // A comment; with "things".
        @id("a;b") @note("x")
        permit (principal in Role::"a,b", action in [Action::"x", Action::"y"], resource)
        when { resource.amount < 10 && f(1 && 2) && principal has user }
        unless { a || b && c };
        forbid (principal, action, resource);
        trailing"#;

    fn words<'a>(text: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
        ranges.iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn a_file_is_taken_apart_into_policies_and_these_into_parts() {
        let found = statements(TEXT);
        assert_eq!(found.len(), 3);
        assert!(TEXT[found[0].range.clone()].starts_with("@id(\"a;b\")"));
        assert_eq!(&TEXT[found[2].range.clone()], "trailing");
        let anatomy = found[0].anatomy(TEXT);
        assert_eq!(
            words(TEXT, &anatomy.scope),
            [
                "principal in Role::\"a,b\"",
                "action in [Action::\"x\", Action::\"y\"]",
                "resource"
            ]
        );
        let [when, unless] = anatomy.conditions.as_slice() else {
            panic!("{anatomy:?}");
        };
        assert_eq!(
            words(TEXT, &when.parts),
            ["resource.amount < 10", "f(1 && 2)", "principal has user"]
        );
        assert!(unless.negated && !when.negated);
        assert_eq!(words(TEXT, &unless.parts), ["a || b && c"]);
        assert!(found[1].anatomy(TEXT).conditions.is_empty());
        assert_eq!(found[2].anatomy(TEXT), Anatomy::default());
    }

    #[test]
    fn depth_is_known_before_anything_is_parsed() {
        let depth = |condition: &str| {
            let text = format!("permit(principal, action, resource) when {{ {condition} }};");
            statements(&text)[0].depth
        };
        let plain = depth("true");
        assert_eq!(
            depth(&format!("{}true{}", "(".repeat(30), ")".repeat(30))),
            plain + 30 * BRACKET
        );
        assert_eq!(depth("!a.b.c"), plain + 3);
        assert_eq!(depth("a.b && a.b && a.b"), plain + 3);
        assert_eq!(depth("[a.b, a.b, a.b]"), plain + 1 + BRACKET);
        assert_eq!(depth(&format!("1{}", " + 1".repeat(70))), plain + 70);
        assert_eq!(depth(&"if a then b else ".repeat(9)), plain + 9);
        assert!(statements(&"(".repeat(500))[0].depth >= 500);
        // Every space that Cedar knows parts words.
        for space in [
            '\u{b}', '\u{85}', '\u{a0}', '\u{2003}', '\u{2028}', '\u{3000}',
        ] {
            let chain = "if a then b else "
                .repeat(9)
                .replace(' ', &space.to_string());
            assert_eq!(depth(&chain), plain + 9, "{space:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_taken_apart(text in "[\\PC\n\"\\\\;{}()@/&|,]{0,200}") {
            for statement in statements(&text) {
                prop_assert!(text.get(statement.range.clone()).is_some());
                let anatomy = statement.anatomy(&text);
                let conditions = anatomy.conditions.iter().flat_map(|one| &one.parts);
                for range in anatomy.scope.iter().chain(conditions) {
                    prop_assert!(text.get(range.clone()).is_some());
                }
            }
        }
    }
}
