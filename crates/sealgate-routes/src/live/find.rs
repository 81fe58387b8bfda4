//! Names of callables, and what in the source they stand for.

use std::collections::BTreeMap;
use std::path::Path;

use sealgate_inventory::Place;

use crate::evaluate::Interpreter;
use crate::evaluate::value::Value;
use crate::held::{WRAPS, holding, is_wrapped};

/// The callable of this name, `module:qualname`, that stands in this place and was made with what it holds.
pub(super) fn find<'a>(
    interpreter: &mut Interpreter<'a>,
    name: &str,
    place: Option<&Place>,
    held: &BTreeMap<String, String>,
) -> Option<Value<'a>> {
    let file = place.map(|place| Path::new(&*place.file));
    let (module, qualname) = name.split_once(':')?;
    let sources = interpreter.sources;
    let by_file = file.and_then(|file| {
        sources.modules().find(|id| {
            let own = sources.file(*id);
            file == Path::new(own) || file == sources.root().join(own) || file == sources.root()
        })
    });
    let by_name = || {
        let same = |own: &str| {
            own == module
                || module.ends_with(&format!(".{own}"))
                || own.ends_with(&format!(".{module}"))
        };
        sources
            .modules()
            .find(|id| sources.name(*id) == module)
            .or_else(|| sources.modules().find(|id| same(sources.name(*id))))
    };
    let id = by_file.or_else(by_name)?;
    let mut parts = qualname.split('.').peekable();
    let mut value = interpreter.name_in_module(id, parts.next()?)?;
    let mut class = None;
    while let Some(part) = parts.next() {
        value = if part == "<locals>" {
            let function = interpreter.function_of(&value)?;
            let inside = interpreter.locals(&function, None);
            interpreter.lookup(&inside, parts.next()?)
        } else if part == "__call__" && parts.peek().is_none() {
            let any = interpreter.any_of(&value)?;
            return Some(holding(interpreter, any, None, held));
        } else {
            class = Some(value.clone());
            interpreter.attribute(&value, part)
        };
    }
    if held.contains_key(WRAPS) {
        // What was put around it may do anything. It is known where the name itself stands for both.
        return is_wrapped(&value).then_some(value);
    }
    let value = here(interpreter, &value, place)?;
    Some(holding(interpreter, value, class.as_ref(), held))
}

/// Of several things of one name the one that stands in this place; nothing where another one does.
fn here<'a>(
    interpreter: &mut Interpreter<'a>,
    value: &Value<'a>,
    place: Option<&Place>,
) -> Option<Value<'a>> {
    let mut fitting = Vec::new();
    for one in value.alternatives() {
        let line = match one {
            Value::Unknown(_) => continue,
            Value::Function(function) => {
                let spot = interpreter.spot_of(function);
                Some(interpreter.place(spot).line)
            }
            _ => None,
        };
        if place.is_none_or(|place| line.is_none_or(|line| line == place.line)) {
            fitting.push(one.clone());
        }
    }
    (!fitting.is_empty()).then(|| Value::either(fitting))
}
