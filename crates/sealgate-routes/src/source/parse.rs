//! The only module that knows the parser.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{AtomicNodeIndex, ModModule, PythonVersion};
use ruff_python_parser::{Mode, ParseOptions, Parsed, lexer, parse_unchecked};
use ruff_source_file::LineIndex;
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::comments;
use super::depth::{DEEPEST, Depth};
use super::text::decode;

/// Larger files are data, or hostile.
pub(super) const LARGEST: usize = 4 << 20;

/// Something that the parser did not understand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParseErrorAt {
    /// Where it is.
    pub range: TextRange,
    /// Its line, from 1.
    pub line: u32,
    /// What it is, in the parser's words.
    pub text: String,
}

/// What is written in a file.
#[derive(Debug)]
pub struct Loaded {
    /// The file's text, without a byte order mark.
    pub text: String,
    /// What of it was understood.
    pub syntax: ModModule,
    /// What was not, in order.
    pub errors: Vec<ParseErrorAt>,
    lines: LineIndex,
    public: Vec<(u32, String)>,
    accepted: Vec<(u32, String, String)>,
}

impl Loaded {
    /// The line, from 1.
    pub fn line(&self, at: TextSize) -> u32 {
        line(&self.lines, at)
    }

    /// The comments that declare something public: their lines and reasons, in order.
    pub(super) fn public_comments(&self) -> &[(u32, String)] {
        &self.public
    }

    /// The comments that accept findings: their lines, rules and reasons, in order.
    pub(super) fn accept_comments(&self) -> &[(u32, String, String)] {
        &self.accepted
    }

    /// What is known of a file that was not read, or not parsed.
    fn nothing(text: String, why: String) -> Self {
        let lines = LineIndex::from_source_text(&text);
        let error = ParseErrorAt {
            range: TextRange::default(),
            line: 1,
            text: why,
        };
        Self {
            text,
            syntax: ModModule {
                node_index: AtomicNodeIndex::NONE,
                range: TextRange::default(),
                body: Vec::new().into(),
            },
            errors: vec![error],
            lines,
            public: Vec::new(),
            accepted: Vec::new(),
        }
    }
}

/// Reads a file's bytes. Whatever is wrong with them is among the errors; what is right is there nevertheless.
pub(super) fn parse(bytes: Vec<u8>) -> Loaded {
    if bytes.len() > LARGEST {
        let why = format!(
            "the file is larger than {} MiB and was not looked at",
            LARGEST >> 20
        );
        return Loaded::nothing(String::new(), why);
    }
    let (text, strange) = decode(bytes);
    if too_deep(&text) {
        let why = format!("the file nests deeper than {DEEPEST} levels and was not looked at");
        return Loaded::nothing(text, why);
    }
    // A mistake in the parser is a file that was not understood, not the end of the scan.
    let Ok(parsed) = catch_unwind(AssertUnwindSafe(|| module(&text))) else {
        return Loaded::nothing(text, "the parser gave up".to_owned());
    };
    let lines = LineIndex::from_source_text(&text);
    let mut errors: Vec<_> = parsed
        .errors()
        .iter()
        .map(|error| (error.location, error.error.to_string()))
        .chain(
            parsed
                .unsupported_syntax_errors()
                .iter()
                .map(|error| (error.range, error.to_string())),
        )
        .chain(strange.map(|why| (TextRange::default(), why.to_owned())))
        .map(|(range, text)| ParseErrorAt {
            range,
            line: line(&lines, range.start()),
            text,
        })
        .collect();
    errors.sort_by_key(|error| error.range.start());
    let (mut public, mut accepted) = (Vec::new(), Vec::new());
    if comments::may_have(&text) {
        let tokens = parsed.tokens().iter();
        for token in tokens.filter(|token| token.kind() == TokenKind::Comment) {
            let (line, comment) = (line(&lines, token.start()), &text[token.range()]);
            public.extend(comments::reason(comment).map(|reason| (line, reason)));
            accepted.extend(comments::accepted(comment).map(|(rule, reason)| (line, rule, reason)));
        }
    }
    Loaded {
        syntax: parsed.into_syntax(),
        text,
        errors,
        lines,
        public,
        accepted,
    }
}

fn module(text: &str) -> Parsed<ModModule> {
    let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY315);
    let Some(module) = parse_unchecked(text, options).try_into_module() else {
        unreachable!("a module was asked for");
    };
    module
}

/// Whether the text nests so deeply that the parser, or what walks its tree, could run out of stack or memory.
fn too_deep(text: &str) -> bool {
    let mut depth = Depth::new();
    let mut lexer = lexer::lex(text, Mode::Module);
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return false,
            token if depth.exceeds(token) => return true,
            _ => {}
        }
    }
}

fn line(lines: &LineIndex, at: TextSize) -> u32 {
    u32::try_from(lines.line_index(at).get()).unwrap_or(u32::MAX)
}
