//! The callable in which something stands, by name.

use ruff_python_ast::Stmt;
use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::Context;
use crate::evaluate::value::Spot;

/// `module:qualname` of the innermost function around a place, or of the function that the place is. `None` for
/// what stands outside of functions.
pub(super) fn callable(context: &Context<'_, '_>, spot: Spot) -> Option<String> {
    let sources = context.interpreter.sources;
    let loaded = sources.load(spot.module)?;
    let mut search = Search {
        range: range(spot),
        names: Vec::new(),
        found: None,
    };
    search.visit_body(&loaded.syntax.body);
    Some(format!("{}:{}", sources.name(spot.module), search.found?))
}

/// The range of a place in its file.
pub(super) fn range(spot: Spot) -> TextRange {
    let (start, end) = spot.range;
    TextRange::new(TextSize::from(start), TextSize::from(end.max(start)))
}

struct Search<'s> {
    range: TextRange,
    names: Vec<&'s str>,
    found: Option<String>,
}

impl<'s> Visitor<'s> for Search<'s> {
    fn visit_stmt(&mut self, statement: &'s Stmt) {
        if !statement.range().contains_range(self.range) {
            return;
        }
        match statement {
            Stmt::FunctionDef(def) => {
                self.names.push(def.name.as_str());
                // The last one that is found is the innermost.
                self.found = Some(self.names.join("."));
                self.names.push("<locals>");
                walk_stmt(self, statement);
                self.names.truncate(self.names.len() - 2);
            }
            Stmt::ClassDef(def) => {
                self.names.push(def.name.as_str());
                walk_stmt(self, statement);
                self.names.pop();
            }
            _ => walk_stmt(self, statement),
        }
    }
}
