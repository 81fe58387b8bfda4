//! Methods of texts, lists and dictionaries.

use std::rc::Rc;

use super::Interpreter;
use super::decide::equal;
use super::value::{Arguments, Dict, Sequence, Spot, Value};

impl<'a> Interpreter<'a> {
    pub(super) fn call_method_of_builtin(
        &mut self,
        owner: &str,
        method: &str,
        arguments: &Arguments<'a>,
        spot: Spot,
    ) -> Value<'a> {
        let Some((receiver, rest)) = arguments.positional.split_first() else {
            return Value::unknown("a method is called without its object");
        };
        match (owner, receiver) {
            ("str", Value::Str(text)) => {
                self.text_method(&Rc::clone(text), method, rest, arguments, spot)
            }
            ("list", Value::Sequence(list)) => self.list_method(&Rc::clone(list), method, rest),
            ("dict", Value::Dict(dict)) => {
                self.dict_method(&Rc::clone(dict), method, rest, arguments)
            }
            ("type", Value::Class(class)) if method == "__subclasses__" => {
                Value::list(self.subclasses(class))
            }
            _ => Value::unknown("a method is called on something else"),
        }
    }

    fn text_method(
        &mut self,
        text: &Rc<str>,
        method: &str,
        rest: &[Value<'a>],
        arguments: &Arguments<'a>,
        spot: Spot,
    ) -> Value<'a> {
        let first = rest.first().and_then(Value::as_str);
        let letters: Vec<char> = first.map_or_else(
            || vec![' ', '\t', '\n', '\r'],
            |given| given.chars().collect(),
        );
        let known = !text.contains('<');
        match method {
            "strip" => Value::text(text.trim_matches(&letters[..])),
            "lstrip" => Value::text(text.trim_start_matches(&letters[..])),
            "rstrip" => Value::text(text.trim_end_matches(&letters[..])),
            "lower" => Value::Str(text.to_lowercase().into()),
            "upper" => Value::Str(text.to_uppercase().into()),
            "title" | "capitalize" | "encode" | "decode" => Value::Str(Rc::clone(text)),
            "removeprefix" => Value::text(
                first
                    .and_then(|part| text.strip_prefix(part))
                    .unwrap_or(text),
            ),
            "removesuffix" => Value::text(
                first
                    .and_then(|part| text.strip_suffix(part))
                    .unwrap_or(text),
            ),
            "replace" => match rest {
                [Value::Str(from), Value::Str(to), ..] if !from.is_empty() => {
                    Value::Str(text.replace(&**from, to).into())
                }
                _ => Value::Str(Rc::clone(text)),
            },
            "split" => match first {
                Some(part) if !part.is_empty() => {
                    Value::list(text.split(part).map(Value::text).collect())
                }
                None => Value::list(text.split_whitespace().map(Value::text).collect()),
                Some(_) => Value::unknown("it is split in a way that is not followed"),
            },
            "startswith" if known => first.map_or_else(
                || Value::unknown("what it starts with is not known"),
                |part| Value::Bool(text.starts_with(part)),
            ),
            "endswith" if known => first.map_or_else(
                || Value::unknown("what it ends with is not known"),
                |part| Value::Bool(text.ends_with(part)),
            ),
            "join" => {
                let (items, open) = rest
                    .first()
                    .map(|list| self.items_of(list))
                    .unwrap_or_default();
                let mut parts: Vec<Rc<str>> =
                    items.iter().map(|item| self.text_of(item, spot)).collect();
                if open.is_some() {
                    parts.push("<...>".into());
                }
                Value::Str(parts.join(text).into())
            }
            "format" => Value::Str(self.formatted(text, rest, arguments, spot).into()),
            _ => Value::unknown("it is a text that is not followed"),
        }
    }

    fn formatted(
        &self,
        text: &str,
        rest: &[Value<'a>],
        arguments: &Arguments<'a>,
        spot: Spot,
    ) -> String {
        let mut whole = String::new();
        let mut left = text;
        let mut next = 0;
        while let Some(open) = left.find('{') {
            let (before, after) = left.split_at(open);
            whole.push_str(before);
            if let Some(after) = after.strip_prefix("{{") {
                whole.push('{');
                left = after;
                continue;
            }
            let Some(close) = after.find('}') else {
                left = after;
                break;
            };
            let name = after[1..close]
                .split([':', '!', '.', '['])
                .next()
                .unwrap_or_default();
            let value = if name.is_empty() {
                next += 1;
                rest.get(next - 1)
            } else {
                match name.parse::<usize>() {
                    Ok(at) => rest.get(at),
                    Err(_) => arguments.keyword(name),
                }
            };
            match value {
                Some(value) => whole.push_str(&self.text_of(value, spot)),
                None => whole.push_str("<...>"),
            }
            left = &after[close + 1..];
        }
        whole.push_str(left);
        whole.replace("}}", "}")
    }

    /// An item as a list has it that it is added to: under a condition it may be missing.
    pub(super) fn added(&self, list: &Sequence<'a>, item: Value<'a>) -> Value<'a> {
        if self.conditions.len() > list.born {
            item.optional()
        } else {
            item
        }
    }

    fn list_method(
        &mut self,
        list: &Rc<Sequence<'a>>,
        method: &str,
        rest: &[Value<'a>],
    ) -> Value<'a> {
        let effect = matches!(
            method,
            "append"
                | "extend"
                | "insert"
                | "add"
                | "update"
                | "remove"
                | "discard"
                | "clear"
                | "pop"
                | "reverse"
        );
        if effect && self.quiet {
            return Value::unknown("it is changed");
        }
        match (method, rest) {
            ("insert", [Value::Int(at), item]) => {
                let mut items = list.items.borrow_mut();
                let at = usize::try_from(*at).unwrap_or(items.len()).min(items.len());
                let item = self.added(list, item.clone());
                items.insert(at, item);
                Value::None
            }
            ("append" | "add" | "insert", [.., item]) => {
                let item = self.added(list, item.clone());
                list.items.borrow_mut().push(item);
                Value::None
            }
            ("extend" | "update", [more]) => {
                let (items, open) = self.items_of(more);
                let items: Vec<_> = items
                    .into_iter()
                    .map(|item| self.added(list, item))
                    .collect();
                list.items.borrow_mut().extend(items);
                if let Some(why) = open {
                    *list.open.borrow_mut() = Some(why);
                }
                Value::None
            }
            ("remove" | "discard", [item]) => {
                let sure = self.conditions.len() <= list.born;
                let mut items = list.items.borrow_mut();
                if sure {
                    items.retain(|known| equal(known, item) != Some(true));
                }
                // Under a condition it may stay, and what is not known may be any of them.
                for known in items
                    .iter_mut()
                    .filter(|known| equal(known, item) != Some(false))
                {
                    *known = known.clone().optional();
                }
                Value::None
            }
            ("pop" | "clear", _) => {
                let mut items = list.items.borrow_mut();
                if self.conditions.len() > list.born || !rest.is_empty() {
                    for known in items.iter_mut() {
                        *known = known.clone().optional();
                    }
                    return Value::unknown("which item it is depends on what is not known");
                }
                if method == "clear" {
                    items.clear();
                    return Value::None;
                }
                items
                    .pop()
                    .unwrap_or_else(|| Value::unknown("the list is empty"))
            }
            ("reverse", []) => {
                list.items.borrow_mut().reverse();
                Value::None
            }
            ("copy", []) => Self::opened(list.items.borrow().clone(), list.open.borrow().clone()),
            ("union", [more]) => {
                let mut items = list.items.borrow().clone();
                let (others, open) = self.items_of(more);
                items.extend(others);
                Self::opened(items, open)
            }
            ("sort", _) => Value::None,
            _ => Value::unknown("it is a method of a list that is not followed"),
        }
    }

    fn dict_method(
        &mut self,
        dict: &Rc<Dict<'a>>,
        method: &str,
        rest: &[Value<'a>],
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        let pairs = dict.items.borrow().clone();
        let open = dict.open.borrow().clone();
        match (method, rest) {
            ("items", []) => {
                let pairs = pairs
                    .into_iter()
                    .map(|(key, value)| Value::list(vec![key, value]));
                Self::opened(pairs.collect(), open)
            }
            ("keys", []) => Self::opened(pairs.into_iter().map(|(key, _)| key).collect(), open),
            ("values", []) => {
                Self::opened(pairs.into_iter().map(|(_, value)| value).collect(), open)
            }
            ("get" | "pop", [key, ..]) => {
                let found = Self::item(dict, key);
                match (&found, rest.get(1)) {
                    (Value::Unknown(_), Some(default)) => Value::either([default.clone(), found]),
                    (Value::Unknown(_), None) if method == "get" => {
                        Value::either([Value::None, found])
                    }
                    _ => found,
                }
            }
            ("setdefault", [key, default]) => match Self::item(dict, key) {
                Value::Unknown(_) => {
                    if !self.quiet {
                        dict.items.borrow_mut().push((key.clone(), default.clone()));
                    }
                    default.clone()
                }
                found => found,
            },
            ("update", _) => {
                if !self.quiet {
                    let mut items = dict.items.borrow_mut();
                    match rest.first() {
                        Some(Value::Dict(more)) if !Rc::ptr_eq(more, dict) => {
                            items.extend(more.items.borrow().iter().cloned());
                        }
                        None => {}
                        Some(_) => {
                            *dict.open.borrow_mut() =
                                Some("it takes in another that is not known".into());
                        }
                    }
                    for (name, value) in &arguments.keywords {
                        items.push((Value::Str(Rc::clone(name)), value.clone()));
                    }
                }
                Value::None
            }
            ("copy", []) => Value::Dict(Rc::new(Dict {
                born: 0,
                items: std::cell::RefCell::new(pairs),
                open: std::cell::RefCell::new(open),
            })),
            _ => Value::unknown("it is a method of a dictionary that is not followed"),
        }
    }
}
