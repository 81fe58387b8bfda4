//! Expressions.

use std::cell::RefCell;
use std::rc::Rc;

use ruff_python_ast::{
    BoolOp, Expr, ExprCall, ExprFString, InterpolatedStringElement, Number, UnaryOp,
};
use ruff_text_size::Ranged;

use super::value::{Annotated, Arguments, Definition, Dict, Scope, Sequence, Spot, Value};
use super::{Frame, Interpreter};

impl<'a> Interpreter<'a> {
    /// What `expression` stands for in `scope`.
    pub(crate) fn evaluate(&mut self, expression: &'a Expr, scope: &Scope<'a>) -> Value<'a> {
        if !self.step() {
            return Value::unknown("it takes too long to find out");
        }
        let spot = Spot::new(scope.module, expression.range());
        match expression {
            Expr::Name(name) => self.lookup(scope, name.id.as_str()),
            Expr::Attribute(attribute) => {
                let owner = self.evaluate(&attribute.value, scope);
                self.attribute(&owner, attribute.attr.as_str())
            }
            Expr::Call(call) => self.call_expression(call, scope, spot),
            Expr::StringLiteral(text) => Value::text(text.value.to_str()),
            Expr::FString(text) => self.f_string(text, scope),
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(value) => value
                    .as_i64()
                    .map_or_else(|| Value::unknown("it is a large number"), Value::Int),
                _ => Value::unknown("it is a number"),
            },
            Expr::BooleanLiteral(literal) => Value::Bool(literal.value),
            Expr::NoneLiteral(_) => Value::None,
            Expr::List(list) => self.sequence(&list.elts, scope),
            Expr::Tuple(tuple) => self.sequence(&tuple.elts, scope),
            Expr::Set(set) => self.sequence(&set.elts, scope),
            Expr::Dict(dict) => self.dictionary(dict, scope),
            Expr::Lambda(lambda) => {
                Value::Function(self.make_function(Definition::Lambda(lambda), "<lambda>", scope))
            }
            Expr::If(choice) => match self.decide(&choice.test, scope) {
                Some(true) => self.evaluate(&choice.body, scope),
                Some(false) => self.evaluate(&choice.orelse, scope),
                None => {
                    let test = self.source_line(scope.module, choice.test.range());
                    self.conditions.push(format!("if {test}").into());
                    let body = self.evaluate(&choice.body, scope);
                    let orelse = self.evaluate(&choice.orelse, scope);
                    self.conditions.pop();
                    Value::either([body, orelse])
                }
            },
            Expr::BoolOp(operation) => self.either_of(operation, scope),
            Expr::UnaryOp(unary) => {
                let value = self.evaluate(&unary.operand, scope);
                match (unary.op, &value) {
                    (UnaryOp::Not, _) => value.truth().map_or_else(
                        || Value::unknown("it depends on what is not known"),
                        |truth| Value::Bool(!truth),
                    ),
                    (UnaryOp::USub, Value::Int(number)) => Value::Int(number.wrapping_neg()),
                    (UnaryOp::UAdd, Value::Int(_)) => value,
                    _ => Value::unknown("it is calculated"),
                }
            }
            Expr::BinOp(operation) => {
                let left = self.evaluate(&operation.left, scope);
                let right = self.evaluate(&operation.right, scope);
                self.binary(operation.op, &left, &right, spot)
            }
            Expr::Compare(compare) => {
                let mut left = self.evaluate(&compare.left, scope);
                let mut all = Some(true);
                for (op, right) in compare.ops.iter().zip(&compare.comparators) {
                    let right = self.evaluate(right, scope);
                    all = match (all, self.compare(*op, &left, &right)) {
                        (Some(false), _) | (_, Some(false)) => Some(false),
                        (Some(true), Some(true)) => Some(true),
                        _ => None,
                    };
                    left = right;
                }
                all.map_or_else(
                    || Value::unknown("it depends on what is not known"),
                    Value::Bool,
                )
            }
            Expr::Subscript(subscript) => {
                let owner = self.evaluate(&subscript.value, scope);
                self.subscript(&owner, &subscript.slice, scope)
            }
            Expr::Starred(starred) => self.evaluate(&starred.value, scope),
            Expr::Await(awaited) => self.evaluate(&awaited.value, scope),
            Expr::Named(named) => {
                let value = self.evaluate(&named.value, scope);
                self.assign(&named.target, value.clone(), scope);
                value
            }
            Expr::ListComp(each) => self.comprehension(&each.elt, &each.generators, scope),
            Expr::SetComp(each) => self.comprehension(&each.elt, &each.generators, scope),
            Expr::Generator(each) => self.comprehension(&each.elt, &each.generators, scope),
            Expr::DictComp(each) => self.dict_comprehension(each, scope),
            Expr::Yield(_) | Expr::YieldFrom(_) => Value::unknown("it is sent in from outside"),
            Expr::EllipsisLiteral(_) => Value::External("builtins.Ellipsis".into()),
            Expr::BytesLiteral(_)
            | Expr::TString(_)
            | Expr::Slice(_)
            | Expr::IpyEscapeCommand(_) => Value::unknown("it is not followed"),
        }
    }

    /// What a `yield` statement adds to what the function gives.
    pub(super) fn yielded(
        &mut self,
        expression: &'a Expr,
        scope: &Scope<'a>,
        frame: &mut Frame<'a>,
    ) {
        match expression {
            Expr::Yield(one) => {
                let value = match &one.value {
                    Some(value) => self.evaluate(value, scope),
                    None => Value::None,
                };
                frame.yields.push(value);
            }
            Expr::YieldFrom(several) => {
                let value = self.evaluate(&several.value, scope);
                let (items, open) = self.items_of(&value);
                frame.yields.extend(items);
                frame.open = frame.open.take().or(open);
            }
            _ => {}
        }
    }

    fn either_of(
        &mut self,
        operation: &'a ruff_python_ast::ExprBoolOp,
        scope: &Scope<'a>,
    ) -> Value<'a> {
        let stops = operation.op == BoolOp::Or;
        let mut seen = Vec::new();
        let last = operation.values.len().saturating_sub(1);
        for (at, expression) in operation.values.iter().enumerate() {
            let value = self.evaluate(expression, scope);
            if at == last {
                seen.push(value);
                break;
            }
            // An empty default falls through to the next: `prefix or "/api"`.
            let truth = match &value {
                Value::None | Value::Str(_) | Value::Sequence(_) | Value::Dict(_) => value.truth(),
                Value::Class(_) | Value::Function(_) | Value::Object(_) => Some(true),
                _ => self.decide(expression, scope),
            };
            match truth {
                Some(truth) if truth == stops => {
                    seen.push(value);
                    break;
                }
                Some(_) => {}
                None => seen.push(value),
            }
        }
        Value::either(seen)
    }

    fn sequence(&mut self, elements: &'a [Expr], scope: &Scope<'a>) -> Value<'a> {
        let mut items = Vec::with_capacity(elements.len());
        let mut open = None;
        for element in elements {
            if let Expr::Starred(starred) = element {
                let value = self.evaluate(&starred.value, scope);
                let (more, why) = self.items_of(&value);
                items.extend(more);
                open = open.or(why);
            } else {
                items.push(self.evaluate(element, scope));
            }
        }
        Value::Sequence(Rc::new(Sequence {
            born: self.conditions.len(),
            items: RefCell::new(items),
            open: RefCell::new(open),
        }))
    }

    fn dictionary(&mut self, dict: &'a ruff_python_ast::ExprDict, scope: &Scope<'a>) -> Value<'a> {
        let mut items: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(dict.items.len());
        let mut open = None;
        for item in &dict.items {
            let value = self.evaluate(&item.value, scope);
            match &item.key {
                Some(key) => items.push((self.evaluate(key, scope), value)),
                None => match value {
                    Value::Dict(more) => items.extend(more.items.borrow().iter().cloned()),
                    _ => open = Some("it takes in another dictionary that is not known".into()),
                },
            }
        }
        Value::Dict(Rc::new(Dict {
            born: self.conditions.len(),
            items: RefCell::new(items),
            open: RefCell::new(open),
        }))
    }

    fn f_string(&mut self, text: &'a ExprFString, scope: &Scope<'a>) -> Value<'a> {
        let mut whole = String::new();
        for part in &text.value {
            match part {
                ruff_python_ast::FStringPart::Literal(literal) => whole.push_str(&literal.value),
                ruff_python_ast::FStringPart::FString(parts) => {
                    for element in &parts.elements {
                        match element {
                            InterpolatedStringElement::Literal(literal) => {
                                whole.push_str(&literal.value);
                            }
                            InterpolatedStringElement::Interpolation(inner) => {
                                let value = self.evaluate(&inner.expression, scope);
                                let spot = Spot::new(scope.module, inner.expression.range());
                                whole.push_str(&self.text_of(&value, spot));
                            }
                        }
                    }
                }
            }
        }
        Value::Str(whole.into())
    }

    fn call_expression(&mut self, call: &'a ExprCall, scope: &Scope<'a>, spot: Spot) -> Value<'a> {
        if let Expr::Name(name) = &*call.func
            && name.id.as_str() == "super"
            && let Some(value) = self.super_of(call, scope)
        {
            return value;
        }
        let callee = self.evaluate(&call.func, scope);
        let arguments = self.arguments(&call.arguments, scope);
        self.call(&callee, arguments, spot)
    }

    pub(super) fn arguments(
        &mut self,
        given: &'a ruff_python_ast::Arguments,
        scope: &Scope<'a>,
    ) -> Arguments<'a> {
        let mut arguments = Arguments::default();
        for argument in &given.args {
            if let Expr::Starred(starred) = argument {
                let value = self.evaluate(&starred.value, scope);
                let (items, open) = self.items_of(&value);
                arguments.positional.extend(items);
                arguments.open = arguments.open.take().or(open);
            } else {
                let value = self.evaluate(argument, scope);
                arguments.positional.push(value);
            }
        }
        for keyword in &given.keywords {
            let value = self.evaluate(&keyword.value, scope);
            match &keyword.arg {
                Some(name) => arguments.keywords.push((name.as_str().into(), value)),
                None => self.spread(&value, &mut arguments),
            }
        }
        arguments
    }

    fn spread(&mut self, value: &Value<'a>, arguments: &mut Arguments<'a>) {
        match value {
            Value::Dict(dict) => {
                for (key, value) in dict.items.borrow().iter() {
                    match key {
                        Value::Str(name) => {
                            arguments.keywords.push((Rc::clone(name), value.clone()));
                        }
                        _ => arguments.open = Some("a name of its `**` is not known".into()),
                    }
                }
                if let Some(why) = &*dict.open.borrow() {
                    arguments.open = Some(Rc::clone(why));
                }
            }
            Value::Either(several) => {
                for one in several.iter() {
                    self.spread(one, arguments);
                }
                arguments.open = Some("its `**` may be one of several".into());
            }
            Value::Unknown(why) => arguments.open = Some(Rc::clone(why)),
            _ => arguments.open = Some("what `**` hands over is not known".into()),
        }
    }

    /// `owner[slice]`: an item, or a type with arguments.
    /// `path[len(prefix):]`.
    fn slice_of_text(
        &mut self,
        text: &str,
        range: &'a ruff_python_ast::ExprSlice,
        scope: &Scope<'a>,
    ) -> Value<'a> {
        let unknown = || Value::unknown("which part of a text is meant is not known");
        if text.contains('<') || range.step.is_some() {
            return unknown();
        }
        let letters: Vec<char> = text.chars().collect();
        let mut bounds = [0, letters.len()];
        for (bound, given) in bounds.iter_mut().zip([&range.lower, &range.upper]) {
            let Some(given) = given else { continue };
            match self.evaluate(given, scope) {
                Value::None => {}
                Value::Int(at) => {
                    let length = i64::try_from(letters.len()).unwrap_or(i64::MAX);
                    let at = if at < 0 {
                        (length + at).max(0)
                    } else {
                        at.min(length)
                    };
                    *bound = usize::try_from(at).unwrap_or(0);
                }
                _ => return unknown(),
            }
        }
        let part: String = letters
            .get(bounds[0]..bounds[1])
            .unwrap_or_default()
            .iter()
            .collect();
        Value::text(&part)
    }

    fn subscript(&mut self, owner: &Value<'a>, slice: &'a Expr, scope: &Scope<'a>) -> Value<'a> {
        if let Value::External(name) = owner {
            let last = name.rsplit('.').next().unwrap_or(name);
            match last {
                "Annotated" => return self.annotated(slice, scope),
                "Optional" => {
                    let value = self.evaluate(slice, scope);
                    return Value::either([value, Value::None]);
                }
                "Union" => {
                    let value = self.evaluate(slice, scope);
                    let (items, _) = self.items_of(&value);
                    return if items.is_empty() {
                        value
                    } else {
                        Value::either(items)
                    };
                }
                // `os.environ["PREFIX"]`
                "environ" => return Value::unknown("it is set by the environment"),
                _ => return owner.clone(),
            }
        }
        if let (Value::Str(text), Expr::Slice(range)) = (owner, slice) {
            return self.slice_of_text(text, range, scope);
        }
        let key = self.evaluate(slice, scope);
        match owner {
            Value::Sequence(sequence) => {
                let items = sequence.items.borrow();
                match &key {
                    Value::Int(at) => {
                        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                        let at = if *at < 0 { length + at } else { *at };
                        usize::try_from(at)
                            .ok()
                            .and_then(|at| items.get(at).cloned())
                    }
                    _ if matches!(slice, Expr::Slice(_)) => Some(owner.clone()),
                    _ => (!items.is_empty()).then(|| Value::either(items.iter().cloned())),
                }
                .unwrap_or_else(|| Value::unknown("which item is meant is not known"))
            }
            Value::Dict(dict) => Self::item(dict, &key),
            Value::Either(several) => {
                let several = Rc::clone(several);
                let mut values = Vec::new();
                for one in several.iter() {
                    values.push(self.subscript(one, slice, scope));
                }
                Value::either(values)
            }
            // A generic class with its arguments is the class.
            Value::Class(_) | Value::Known(_) | Value::Annotated(_) => owner.clone(),
            Value::Made(_) | Value::Parameter(_) | Value::Unknown(_) => {
                Value::unknown("it is an item of something that is not known")
            }
            _ => Value::unknown("it is an item of something that is not followed"),
        }
    }

    pub(super) fn item(dict: &Rc<Dict<'a>>, key: &Value<'a>) -> Value<'a> {
        let items = dict.items.borrow();
        let mut perhaps = Vec::new();
        for (known, value) in items.iter() {
            match super::decide::equal(known, key) {
                Some(true) => return value.clone(),
                Some(false) => {}
                None => perhaps.push(value.clone()),
            }
        }
        if perhaps.is_empty() {
            return Value::unknown("the dictionary has no such item");
        }
        if dict.open.borrow().is_some() {
            perhaps.push(Value::unknown("the dictionary may have more items"));
        }
        Value::either(perhaps)
    }

    fn annotated(&mut self, slice: &'a Expr, scope: &Scope<'a>) -> Value<'a> {
        let Expr::Tuple(parts) = slice else {
            return self.evaluate(slice, scope);
        };
        let mut parts = parts.elts.iter();
        let base = parts
            .next()
            .map_or(Value::None, |base| self.annotation(base, scope));
        let metadata = parts.map(|part| self.evaluate(part, scope)).collect();
        Value::Annotated(Rc::new(Annotated { base, metadata }))
    }
}
