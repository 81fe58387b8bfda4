//! What an expression of the scanned source stands for, as far as it can be told without running it.

use std::cell::RefCell;
use std::rc::Rc;

use ruff_python_ast::{ExprLambda, Parameters, StmtClassDef, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashMap;

use crate::framework::{Framework, Known};
use crate::source::ModuleId;

/// Names and what they stand for.
pub(crate) type Names<'a> = FxHashMap<Rc<str>, Value<'a>>;

/// A spot in the scanned source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) module: ModuleId,
    pub(crate) range: (u32, u32),
}

impl Spot {
    pub(crate) fn new(module: ModuleId, range: TextRange) -> Self {
        Self {
            module,
            range: (range.start().to_u32(), range.end().to_u32()),
        }
    }
}

/// What an expression stands for.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    /// It cannot be told. The text says why, as part of a sentence.
    Unknown(Rc<str>),
    None,
    Bool(bool),
    Int(i64),
    /// A text. What is not known of it stands in angle brackets.
    Str(Rc<str>),
    /// A list, tuple, set or the like.
    Sequence(Rc<Sequence<'a>>),
    Dict(Rc<Dict<'a>>),
    /// A module of the scanned tree.
    Module(ModuleId),
    /// Something of a library, by its dotted name: `fastapi.Depends`. Builtins are `builtins.len`, bound methods of
    /// builtin types a [`Partial`] of `builtins.list.append`.
    External(Rc<str>),
    /// What a call of something of a library gave: `HTTPBearer(auto_error=False)`.
    Made(Rc<Made<'a>>),
    /// A function or lambda of the tree.
    Function(Rc<Function<'a>>),
    /// A function with its `self`.
    Method(Rc<Method<'a>>),
    /// A class of the tree.
    Class(Rc<Class<'a>>),
    /// An instance of a class of the tree, or of the framework.
    Object(Rc<Object<'a>>),
    /// A class of the framework.
    Known(Known),
    /// A method of an object of the framework: `app.get`.
    KnownMethod(Rc<KnownMethod<'a>>),
    /// `super()` in a method.
    Super(Rc<Super<'a>>),
    /// `Depends(...)` or `Security(...)`.
    Depends(Rc<Depends<'a>>),
    /// `Annotated[base, ...]`, by whatever name.
    Annotated(Rc<Annotated<'a>>),
    /// `functools.partial(callee, ...)`, and decorators that wait for their function.
    Partial(Rc<Partial<'a>>),
    /// A function inside something of a library that was put around it: `@limiter.limit("5/minute")`.
    Wrapped(Rc<Wrapped<'a>>),
    /// The parameter of a function that is looked at without being called.
    Parameter(Rc<Parameter<'a>>),
    /// A name imported from a module of the tree that was not looked up yet. Only scopes hold it: looking a name up
    /// replaces it.
    Imported(Rc<(ModuleId, Rc<str>)>),
    /// One of these, depending on what cannot be told.
    Either(Rc<[Value<'a>]>),
}

pub(crate) struct Sequence<'a> {
    pub(crate) items: RefCell<Vec<Value<'a>>>,
    /// Whether there may be more items than these, and why that is not known.
    pub(crate) open: RefCell<Option<Rc<str>>>,
    /// Under how many undecided conditions it was made. What is added under more may not be in it.
    pub(crate) born: usize,
}

pub(crate) struct Dict<'a> {
    pub(crate) items: RefCell<Vec<(Value<'a>, Value<'a>)>>,
    pub(crate) open: RefCell<Option<Rc<str>>>,
    /// As of a [`Sequence`].
    pub(crate) born: usize,
}

pub(crate) struct Made<'a> {
    /// The dotted name of what was called: `fastapi_users.FastAPIUsers().current_user`, where the `()` stand for
    /// calls with arguments that `of` has.
    pub(crate) callee: Rc<str>,
    /// Whether it was called at all: an attribute of something made is `Made` too, not called yet.
    pub(crate) called: bool,
    /// What it was an attribute of, where that was made by a call itself: `users` of `users.current_user()`.
    pub(crate) of: Option<Value<'a>>,
    pub(crate) arguments: Arguments<'a>,
    pub(crate) spot: Spot,
}

/// The syntax of a function.
#[derive(Clone, Copy)]
pub(crate) enum Definition<'a> {
    Function(&'a StmtFunctionDef),
    Lambda(&'a ExprLambda),
}

impl<'a> Definition<'a> {
    pub(crate) fn parameters(self) -> Option<&'a Parameters> {
        match self {
            Self::Function(def) => Some(&def.parameters),
            Self::Lambda(lambda) => lambda.parameters.as_deref(),
        }
    }

    pub(crate) fn is_async(self) -> bool {
        matches!(self, Self::Function(def) if def.is_async)
    }
}

impl Ranged for Definition<'_> {
    fn range(&self) -> TextRange {
        match self {
            Self::Function(def) => def.range,
            Self::Lambda(lambda) => lambda.range,
        }
    }
}

pub(crate) struct Function<'a> {
    pub(crate) module: ModuleId,
    pub(crate) definition: Definition<'a>,
    /// As Python writes it: `create_app.<locals>.home`.
    pub(crate) qualname: Rc<str>,
    /// Where it was defined: what its free names mean.
    pub(crate) scope: Scope<'a>,
    /// The defaults of its parameters, evaluated where it was defined.
    pub(crate) defaults: Vec<(Rc<str>, Value<'a>)>,
    /// Decorators that left it as it is or that are not understood, from the outermost to the innermost.
    pub(crate) decorators: RefCell<Vec<Value<'a>>>,
    /// The class whose body it stands in.
    pub(crate) owner: RefCell<Option<Rc<Class<'a>>>>,
    /// What it says it wraps: the argument of `functools.wraps`.
    pub(crate) wraps: RefCell<Option<Value<'a>>>,
}

impl<'a> Function<'a> {
    /// Takes down what it says it wraps, unless that leads back to itself: whoever follows wrappers ends.
    pub(crate) fn wrap(&self, wrapped: Value<'a>) {
        let mut next = Some(wrapped.clone());
        while let Some(Value::Function(inner)) = next.take() {
            if std::ptr::eq(Rc::as_ptr(&inner), self) {
                return;
            }
            next.clone_from(&inner.wraps.borrow());
        }
        *self.wraps.borrow_mut() = Some(wrapped);
    }
}

pub(crate) struct Method<'a> {
    pub(crate) receiver: Value<'a>,
    pub(crate) function: Rc<Function<'a>>,
}

pub(crate) struct Class<'a> {
    pub(crate) module: ModuleId,
    pub(crate) definition: &'a StmtClassDef,
    pub(crate) qualname: Rc<str>,
    pub(crate) bases: Vec<Value<'a>>,
    /// Its attributes and methods.
    pub(crate) scope: Scope<'a>,
}

/// An instance. Identity is that of the `Rc`.
pub(crate) struct Object<'a> {
    /// The class in the tree, if it is one.
    pub(crate) class: Option<Rc<Class<'a>>>,
    /// The class of the framework that it is, or inherits from.
    pub(crate) known: Option<Known>,
    pub(crate) fields: RefCell<Names<'a>>,
    /// What the framework keeps in it.
    pub(crate) framework: RefCell<Option<Rc<Framework<'a>>>>,
    /// Where it was made.
    pub(crate) spot: Spot,
    /// The name it was first bound to in a module: `app` of `main`.
    pub(crate) name: RefCell<Option<(ModuleId, Rc<str>)>>,
    /// Whether it is any instance of the class or of one that inherits from it: all that is known of it is an
    /// annotation.
    pub(crate) is_any: bool,
    /// The function that was under way when it was made: the factory.
    pub(crate) maker: Option<Rc<Function<'a>>>,
}

pub(crate) struct KnownMethod<'a> {
    pub(crate) receiver: Rc<Object<'a>>,
    pub(crate) name: Rc<str>,
    /// The arguments of the first call, of a decorator that waits for its function.
    pub(crate) waiting: Option<(Arguments<'a>, Spot)>,
}

pub(crate) struct Super<'a> {
    pub(crate) receiver: Value<'a>,
    /// The class after which to look.
    pub(crate) after: Rc<Class<'a>>,
}

pub(crate) struct Depends<'a> {
    /// What is depended on; nothing for `Depends()`, which takes the annotation.
    pub(crate) callee: Option<Value<'a>>,
    pub(crate) security: bool,
    pub(crate) scopes: Option<Value<'a>>,
    pub(crate) spot: Spot,
}

pub(crate) struct Annotated<'a> {
    pub(crate) base: Value<'a>,
    pub(crate) metadata: Vec<Value<'a>>,
}

pub(crate) struct Partial<'a> {
    pub(crate) callee: Value<'a>,
    pub(crate) arguments: Arguments<'a>,
}

pub(crate) struct Wrapped<'a> {
    pub(crate) inner: Value<'a>,
    pub(crate) by: Value<'a>,
}

pub(crate) struct Parameter<'a> {
    pub(crate) name: Rc<str>,
    pub(crate) function: Rc<Function<'a>>,
    pub(crate) annotation: Option<Value<'a>>,
}

/// The arguments of a call.
#[derive(Clone, Default)]
pub(crate) struct Arguments<'a> {
    pub(crate) positional: Vec<Value<'a>>,
    pub(crate) keywords: Vec<(Rc<str>, Value<'a>)>,
    /// Why there may be more than these: `**options` that are not known.
    pub(crate) open: Option<Rc<str>>,
}

impl<'a> Arguments<'a> {
    /// The argument at this position or of this name.
    pub(crate) fn get(&self, position: usize, name: &str) -> Option<&Value<'a>> {
        self.positional.get(position).or_else(|| self.keyword(name))
    }

    pub(crate) fn keyword(&self, name: &str) -> Option<&Value<'a>> {
        let found = self.keywords.iter().rfind(|(key, _)| &**key == name);
        found.map(|(_, value)| value)
    }
}

/// Names of a module, function or class body, and what is around it.
pub(crate) type Scope<'a> = Rc<ScopeData<'a>>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ScopeKind {
    Module,
    Class,
    Function,
}

pub(crate) struct ScopeData<'a> {
    pub(crate) kind: ScopeKind,
    pub(crate) module: ModuleId,
    pub(crate) names: RefCell<Names<'a>>,
    pub(crate) parent: Option<Scope<'a>>,
    /// Names that are declared `global` or `nonlocal` here.
    pub(crate) elsewhere: RefCell<Vec<Rc<str>>>,
    /// The function whose body it is, and the class whose method that is.
    pub(crate) function: Option<Rc<Function<'a>>>,
}

impl Value<'_> {
    pub(crate) fn unknown(why: impl Into<Rc<str>>) -> Self {
        Self::Unknown(why.into())
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Str(text.into())
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::Sequence(Rc::new(Sequence {
            born: 0,
            items: RefCell::new(items),
            open: RefCell::new(None),
        }))
    }

    /// Something that may be missing.
    pub(crate) fn optional(self) -> Self {
        Self::either([self, Self::None])
    }

    /// Whether it is an item that was added under a condition.
    fn may_be_missing(&self) -> bool {
        matches!(self, Self::Either(several) if several.iter().any(|one| matches!(one, Self::None)))
    }

    /// One of several, flat and without repeats that are easily seen.
    pub(crate) fn either(values: impl IntoIterator<Item = Self>) -> Self {
        let mut flat: Vec<Self> = Vec::new();
        for value in values {
            match value {
                Self::Either(several) => {
                    for value in several.iter() {
                        push_new(&mut flat, value.clone());
                    }
                }
                value => push_new(&mut flat, value),
            }
        }
        if flat.len() == 1 {
            return flat.remove(0);
        }
        if flat.len() > MOST_ALTERNATIVES {
            return Self::unknown("it may be too many different things");
        }
        Self::Either(flat.into())
    }

    /// Each thing that it may be.
    pub(crate) fn alternatives(&self) -> &[Self] {
        match self {
            Self::Either(several) => several,
            other => std::slice::from_ref(other),
        }
    }

    /// Whether both are the very same thing, as `is` asks; texts and numbers by value.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Str(a), Self::Str(b))
            | (Self::External(a), Self::External(b))
            | (Self::Unknown(a), Self::Unknown(b)) => a == b,
            (Self::Sequence(a), Self::Sequence(b)) => Rc::ptr_eq(a, b),
            (Self::Dict(a), Self::Dict(b)) => Rc::ptr_eq(a, b),
            (Self::Module(a), Self::Module(b)) => a == b,
            (Self::Made(a), Self::Made(b)) => Rc::ptr_eq(a, b),
            (Self::Function(a), Self::Function(b)) => Rc::ptr_eq(a, b),
            (Self::Class(a), Self::Class(b)) => Rc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::Known(a), Self::Known(b)) => a == b,
            (Self::Method(a), Self::Method(b)) => {
                Rc::ptr_eq(&a.function, &b.function) && a.receiver.same(&b.receiver)
            }
            (Self::Depends(a), Self::Depends(b)) => Rc::ptr_eq(a, b),
            (Self::Annotated(a), Self::Annotated(b)) => Rc::ptr_eq(a, b),
            (Self::Wrapped(a), Self::Wrapped(b)) => Rc::ptr_eq(a, b),
            (Self::Parameter(a), Self::Parameter(b)) => Rc::ptr_eq(a, b),
            (Self::KnownMethod(a), Self::KnownMethod(b)) => Rc::ptr_eq(a, b),
            (Self::Partial(a), Self::Partial(b)) => Rc::ptr_eq(a, b),
            (Self::Super(a), Self::Super(b)) => Rc::ptr_eq(a, b),
            (Self::Imported(a), Self::Imported(b)) => a == b,
            (Self::Either(a), Self::Either(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same(b))
            }
            _ => false,
        }
    }

    /// Whether Python would take it for true, where that is known.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::None => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Int(value) => Some(*value != 0),
            Self::Str(text) if text.contains('<') => None,
            Self::Str(text) => Some(!text.is_empty()),
            Self::Sequence(sequence) => {
                let items = sequence.items.borrow();
                // Items that may be missing, and lists that may have more, say nothing.
                let surely = items.iter().any(|item| !item.may_be_missing());
                let whole = items.is_empty() && sequence.open.borrow().is_none();
                if surely {
                    Some(true)
                } else {
                    whole.then_some(false)
                }
            }
            Self::Dict(dict) => {
                let items = dict.items.borrow();
                let surely = items.iter().any(|(_, value)| !value.may_be_missing());
                let whole = items.is_empty() && dict.open.borrow().is_none();
                if surely {
                    Some(true)
                } else {
                    whole.then_some(false)
                }
            }
            Self::Function(_)
            | Self::Method(_)
            | Self::Class(_)
            | Self::Module(_)
            | Self::Known(_)
            | Self::Depends(_) => Some(true),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }
}

/// More different things than this that a name may stand for are not followed.
const MOST_ALTERNATIVES: usize = 16;

fn push_new<'a>(flat: &mut Vec<Value<'a>>, value: Value<'a>) {
    if !flat.iter().any(|known| known.same(&value)) {
        flat.push(value);
    }
}
