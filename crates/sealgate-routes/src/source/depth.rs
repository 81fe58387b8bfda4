//! How deeply a text nests, told from its tokens before anything that calls itself looks at it.
//!
//! The parser, whatever walks its tree and the tree's own end all call themselves once per level. A file of four
//! million brackets would take all memory, or the stack.

use ruff_python_ast::token::TokenKind;

/// The deepest nesting that is looked at. Python itself gives up at 200 brackets and a few thousand operators.
pub(super) const DEEPEST: usize = 2_000;

/// Counts how deep the tree of what was told so far could be; never too low.
///
/// Each bracket and each block is a level. Within one of them each operator or keyword may be one, up to the next
/// comma, which starts over. `lambda` has commas of its own, so that one does not.
#[derive(Debug, Default)]
pub(super) struct Depth {
    levels: Vec<Level>,
    /// Operators and keywords in all levels together.
    chained: usize,
    blocks: usize,
    /// Whether the last token ended a line within brackets.
    line_ended: bool,
}

#[derive(Debug, Default)]
struct Level {
    chained: usize,
    lambdas: usize,
}

impl Depth {
    pub(super) fn new() -> Self {
        Self {
            levels: vec![Level::default()],
            ..Self::default()
        }
    }

    /// Takes the next token. Whether what was taken so far is too deep.
    pub(super) fn exceeds(&mut self, token: TokenKind) -> bool {
        // A bracket that is never closed ends, for the parser too, where a statement starts a line.
        if std::mem::replace(&mut self.line_ended, token == TokenKind::NonLogicalNewline)
            && starts_statement(token)
        {
            self.start_over();
        }
        match token {
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => {
                self.chain(1);
                self.levels.push(Level::default());
            }
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => {
                if self.levels.len() > 1
                    && let Some(level) = self.levels.pop()
                {
                    self.chained -= level.chained + level.lambdas;
                }
            }
            TokenKind::Comma => {
                if let Some(level) = self.levels.last_mut() {
                    self.chained -= level.chained;
                    level.chained = 0;
                }
            }
            TokenKind::Newline | TokenKind::Semi => self.start_over(),
            TokenKind::Indent => self.blocks += 1,
            TokenKind::Dedent => self.blocks = self.blocks.saturating_sub(1),
            TokenKind::Lambda => {
                if let Some(level) = self.levels.last_mut() {
                    level.lambdas += 1;
                    self.chained += 1;
                }
            }
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline => {}
            _ => self.chain(1),
        }
        self.levels.len() + self.chained + self.blocks > DEEPEST
    }

    fn start_over(&mut self) {
        self.levels.clear();
        self.levels.push(Level::default());
        self.chained = 0;
    }

    fn chain(&mut self, by: usize) {
        if let Some(level) = self.levels.last_mut() {
            level.chained += by;
            self.chained += by;
        }
    }
}

/// Whether the token can only be the first of a statement.
fn starts_statement(token: TokenKind) -> bool {
    matches!(
        token,
        TokenKind::Class
            | TokenKind::Def
            | TokenKind::Del
            | TokenKind::Global
            | TokenKind::Import
            | TokenKind::Nonlocal
            | TokenKind::Raise
            | TokenKind::Return
            | TokenKind::Try
            | TokenKind::While
            | TokenKind::With
    )
}
