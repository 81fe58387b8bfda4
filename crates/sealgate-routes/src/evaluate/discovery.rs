//! Modules that are found by looking into a package: `pkgutil.iter_modules`, `importlib.import_module`.

use std::rc::Rc;

use super::Interpreter;
use super::value::{Arguments, Sequence, Spot, Value};

/// Stands for the finder in what `pkgutil.iter_modules` gives.
const FINDER: &str = "importlib.machinery.FileFinder";

impl<'a> Interpreter<'a> {
    /// `importlib.import_module(name, package)`.
    pub(super) fn import_named(&mut self, arguments: &Arguments<'a>, spot: Spot) -> Value<'a> {
        let unknown = || Value::unknown("which module is imported is not known");
        let Some(name) = arguments.get(0, "name").and_then(Value::as_str) else {
            return unknown();
        };
        let own = self.sources.name(spot.module);
        let package = if self.sources.is_package(spot.module) {
            own
        } else {
            own.rsplit_once('.').map_or("", |(package, _)| package)
        };
        let named = |text: &str| {
            text.replace("<__name__>", own)
                .replace("<__package__>", package)
        };
        let mut name = named(name);
        if name.starts_with('.') {
            let around = match arguments.get(1, "package") {
                Some(Value::Str(text)) => named(text),
                // `package=__package__`, `package=__name__`
                Some(_) => package.to_owned(),
                None => return unknown(),
            };
            let rest = name.trim_start_matches('.');
            let up = name.len() - rest.len() - 1;
            let mut parts: Vec<&str> = around.split('.').collect();
            parts.truncate(parts.len().saturating_sub(up));
            parts.push(rest);
            name = parts.join(".");
        }
        if name.contains('<') {
            return unknown();
        }
        self.module_named(spot.module, &name)
    }

    /// The modules of a package as `pkgutil` gives them: finder, name, and whether it is a package.
    pub(super) fn modules_below(&mut self, arguments: &Arguments<'a>, all: bool) -> Value<'a> {
        let unknown = || Value::unknown("which modules there are is not known");
        let packages = match arguments.get(0, "path") {
            Some(path) => self.items_of(path).0,
            None => return unknown(),
        };
        let prefix = match arguments.get(1, "prefix") {
            Some(Value::Str(prefix)) if !prefix.contains('<') => Rc::clone(prefix),
            None => "".into(),
            Some(_) => return unknown(),
        };
        let mut found = Vec::new();
        for package in &packages {
            let Value::Module(package) = package else {
                return unknown();
            };
            let start = format!("{}.", self.sources.name(*package));
            for module in self.sources.modules() {
                let Some(rest) = self.sources.name(module).strip_prefix(&start) else {
                    continue;
                };
                if all || !rest.contains('.') {
                    let name: Rc<str> = format!("{prefix}{rest}").into();
                    found.push((name, self.sources.is_package(module)));
                }
            }
        }
        if found.is_empty() {
            return unknown();
        }
        found.sort();
        found.dedup();
        let each = found.into_iter().map(|(name, package)| {
            Value::list(vec![
                Value::External(FINDER.into()),
                Value::Str(name),
                Value::Bool(package),
            ])
        });
        Value::list(each.collect())
    }
}

/// `info.name` and `info.ispkg` of what `pkgutil` gives.
pub(super) fn part_of_module_info<'a>(info: &Sequence<'a>, name: &str) -> Option<Value<'a>> {
    let items = info.items.borrow();
    match &items[..] {
        [Value::External(finder), module, package] if &**finder == FINDER => match name {
            "name" => Some(module.clone()),
            "ispkg" => Some(package.clone()),
            _ => None,
        },
        _ => None,
    }
}
