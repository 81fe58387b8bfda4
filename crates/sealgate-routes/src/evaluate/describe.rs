//! Things in words: their names, where they are written, and how.

use ruff_text_size::{TextRange, TextSize};
use sealgate_inventory::Place;

use super::Interpreter;
use super::value::{Spot, Value};
use crate::source::ModuleId;

/// Longer pieces of source than this are cut where people read them.
const LONGEST_SOURCE: usize = 120;

impl<'a> Interpreter<'a> {
    /// `module:qualname` of a callable, as FastAPI's own tables name it: for an instance its class.
    pub(crate) fn name_of(&self, callable: &Value<'a>) -> String {
        match callable {
            Value::Function(function) => {
                if let Some(wrapped) = function.wraps.borrow().as_ref() {
                    return self.name_of(wrapped);
                }
                self.qualified_name(function.module, &function.qualname)
            }
            Value::Method(method) => {
                self.name_of(&Value::Function(std::rc::Rc::clone(&method.function)))
            }
            Value::Class(class) => self.qualified_name(class.module, &class.qualname),
            Value::Object(object) => match &object.class {
                Some(class) => self.qualified_name(class.module, &class.qualname),
                None => object
                    .known
                    .map_or_else(|| "?".to_owned(), |known| known.name().to_owned()),
            },
            Value::Partial(partial) => self.name_of(&partial.callee),
            Value::Wrapped(wrapped) => self.name_of(&wrapped.inner),
            Value::Annotated(annotated) => self.name_of(&annotated.base),
            Value::External(path) => library_name(path),
            Value::Made(made) => library_name(&made.callee),
            Value::Module(module) => self.sources.name(*module).to_owned(),
            Value::Either(several) => several
                .iter()
                .find(|one| !matches!(one, Value::None | Value::Unknown(_)))
                .map_or_else(|| "?".to_owned(), |one| self.name_of(one)),
            Value::Parameter(parameter) => format!(
                "{}:{}",
                self.sources.name(parameter.function.module),
                parameter.name
            ),
            Value::Known(known) => known.name().to_owned(),
            _ => "?".to_owned(),
        }
    }

    fn qualified_name(&self, module: ModuleId, qualname: &str) -> String {
        format!("{}:{qualname}", self.sources.name(module))
    }

    /// Where something is written, for people: file and line.
    pub(crate) fn place(&self, spot: Spot) -> Place {
        Place {
            file: self.sources.file(spot.module).to_owned(),
            line: self.sources.line(spot.module, TextSize::from(spot.range.0)),
        }
    }

    /// The source of `spot` on one line, shortened.
    pub(crate) fn source_of(&self, spot: Spot) -> String {
        let range = TextRange::new(
            TextSize::from(spot.range.0),
            TextSize::from(spot.range.1.max(spot.range.0)),
        );
        self.source_line(spot.module, range)
    }

    pub(super) fn source_line(&self, module: ModuleId, range: TextRange) -> String {
        let text = self.sources.text(module, range);
        let mut line = String::new();
        for word in text.split_whitespace() {
            if line.chars().count() + word.chars().count() > LONGEST_SOURCE {
                line.push('…');
                break;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        line.replace("( ", "(")
            .replace(", )", ")")
            .replace(" )", ")")
    }
}

/// A library's dotted name as `package:name`.
fn library_name(path: &str) -> String {
    if path.contains(':') {
        return path.to_owned();
    }
    let head = path.find('(').unwrap_or(path.len());
    match path[..head].rfind('.') {
        Some(at) => format!("{}:{}", &path[..at], &path[at + 1..]),
        None => path.to_owned(),
    }
}
