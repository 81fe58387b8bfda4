//! An abstract interpreter of Python: it runs the source as far as it has to, to see which routes there are.
//!
//! Modules are executed from top to bottom, both branches of what cannot be decided, loops over what is
//! known, calls into functions of the tree. What a library does is not known, but for the framework.
//! Evaluation never fails: what cannot be told is [`Value::Unknown`], with the reason.

#![expect(
    clippy::unused_self,
    clippy::self_only_used_in_recursion,
    clippy::wrong_self_convention,
    clippy::unnecessary_wraps,
    reason = "the parts of the interpreter are called in one way, whether they look at its state yet or not"
)]

mod assign;
mod attribute;
mod branches;
mod builtins;
mod call;
mod class;
mod comprehension;
mod decide;
mod describe;
mod discovery;
mod expression;
mod factories;
mod imports;
mod methods;
mod module;
mod operators;
mod parameters;
mod scope;
mod statement;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use std::rc::Rc;

use ruff_text_size::Ranged;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::source::{ModuleId, Sources};
use value::{Class, Function, Object, Scope, Spot, Value};

pub(crate) use parameters::ParameterOf;

/// The deepest nesting of calls that is followed.
const DEEPEST_CALL: usize = 40;
/// The same for functions of modules that have nothing to do with the framework.
const DEEPEST_FOREIGN_CALL: usize = 6;
/// Expressions that are evaluated in one scan before it gives up.
const MOST_STEPS: u64 = 200_000_000;
/// Expressions that one call from a module's top level may take, calls in it included.
const MOST_STEPS_OF_A_CALL: u64 = 2_000_000;
/// The same for a call out of what has to do with the framework into what has not.
const MOST_STEPS_OF_A_FOREIGN_CALL: u64 = 50_000;
/// The same for what is called while somebody only looks at a function.
const DEEPEST_QUIET_CALL: usize = 2;
/// Expressions that looking at one function may take, calls in it included.
const MOST_STEPS_OF_A_LOOK: u64 = 4_000;
/// Items of a list that a loop is run for.
const MOST_ROUNDS: usize = 4_096;

/// The state of one scan.
pub(crate) struct Interpreter<'a> {
    pub(crate) sources: &'a Sources,
    /// Every object of the framework, in the order in which they were made.
    pub(crate) objects: Vec<Rc<Object<'a>>>,
    /// Counts what happens to objects of the framework, so that the order of things can be told.
    pub(crate) clock: u32,
    /// The conditions that could not be decided under which the current statement runs, as source text.
    pub(crate) conditions: Vec<Rc<str>>,
    /// Whether nothing may have an effect on objects of the framework: somebody only looks.
    pub(crate) quiet: bool,
    modules: FxHashMap<ModuleId, Ran<'a>>,
    candidates: FxHashSet<ModuleId>,
    stack: Vec<Rc<Function<'a>>>,
    foreign: usize,
    steps: u64,
    /// What modules took that have been run.
    spent: u64,
    limit: u64,
    /// The limit that holds again in what has to do with the framework, when it is called from what has not.
    home: u64,
    /// Functions and classes that were run or made, by their syntax.
    used: FxHashSet<Spot>,
    /// Functions and classes of candidates, in order: those that nobody ran may be factories.
    defined: Vec<Value<'a>>,
    /// What factories returned.
    returned: Vec<Value<'a>>,
    /// Folders without an `__init__.py`, and a module that spoke of them.
    folders: FxHashMap<Rc<str>, ModuleId>,
    /// Names that are being looked up in other modules: imports may go round in a circle.
    importing: Vec<Rc<(ModuleId, Rc<str>)>>,
    /// Names of modules that are looked at before they are defined: their definitions may ask for themselves.
    defining: Vec<(ModuleId, Rc<str>)>,
    /// The classes of the tree so far that have something of a name of their own.
    owners: FxHashMap<Rc<str>, Vec<Rc<Class<'a>>>>,
    /// Whether every candidate was begun.
    all_begun: bool,
    locals: FxHashMap<*const Function<'a>, (Rc<Function<'a>>, Scope<'a>)>,
}

/// A module that was begun.
struct Ran<'a> {
    scope: Scope<'a>,
    done: bool,
}

/// What the body of a function has given so far.
#[derive(Default)]
pub(crate) struct Frame<'a> {
    returns: Vec<Value<'a>>,
    yields: Vec<Value<'a>>,
    /// Why there may be more of what it yields.
    open: Option<Rc<str>>,
}

/// How a block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// What comes after it is reached.
    On,
    /// It is not: `return`, `raise`.
    Ends,
    /// The loop around it goes on with the next round.
    Next,
    /// The loop around it ends.
    Breaks,
}

impl<'a> Interpreter<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            objects: Vec::new(),
            clock: 0,
            conditions: Vec::new(),
            quiet: false,
            modules: FxHashMap::default(),
            candidates: sources.candidates().into_iter().collect(),
            stack: Vec::new(),
            foreign: 0,
            steps: 0,
            spent: 0,
            limit: MOST_STEPS,
            home: MOST_STEPS,
            used: FxHashSet::default(),
            defined: Vec::new(),
            returned: Vec::new(),
            folders: FxHashMap::default(),
            importing: Vec::new(),
            defining: Vec::new(),
            owners: FxHashMap::default(),
            all_begun: false,
            locals: FxHashMap::default(),
        }
    }

    /// Runs every module that may have to do with the framework, and what may be a factory in them.
    pub(crate) fn run(&mut self) {
        self.run_candidates();
        self.run_factories();
    }

    /// Runs every module that may have to do with the framework and was not begun.
    fn run_candidates(&mut self) {
        if std::mem::replace(&mut self.all_begun, true) {
            return;
        }
        let mut modules: Vec<_> = self.candidates.iter().copied().collect();
        modules.sort();
        for module in modules {
            self.module_scope(module);
        }
    }

    /// The time of what happens now.
    pub(crate) fn tick(&mut self) -> u32 {
        self.clock += 1;
        self.clock
    }

    /// Whether there is still leave to go on.
    fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps < self.limit
    }

    /// The function that is under way.
    pub(crate) fn maker(&self) -> Option<Rc<Function<'a>>> {
        self.stack.last().cloned()
    }

    /// The names in the body of `function` once it has run, without its having any effect on objects of the
    /// framework: parameters stand for [`Value::Parameter`]s, `self` for its receiver where that is known.
    pub(crate) fn locals(
        &mut self,
        function: &Rc<Function<'a>>,
        receiver: Option<&Value<'a>>,
    ) -> Scope<'a> {
        let key = Rc::as_ptr(function);
        if receiver.is_none()
            && let Some((_, scope)) = self.locals.get(&key)
        {
            return scope.clone();
        }
        let (quiet, limit) = (self.quiet, self.limit);
        self.quiet = true;
        self.limit = self.limit.min(self.steps + MOST_STEPS_OF_A_LOOK);
        let conditions = std::mem::take(&mut self.conditions);
        let scope = self.scope_of_call(function);
        self.bind_parameters_unknown(function, receiver, &scope);
        let mut frame = Frame::default();
        if let value::Definition::Function(def) = function.definition
            && self.stack.len() < DEEPEST_CALL
        {
            self.stack.push(Rc::clone(function));
            self.block(&def.body, &scope, &mut frame);
            self.stack.pop();
        }
        (self.quiet, self.limit, self.conditions) = (quiet, limit, conditions);
        if receiver.is_none() {
            self.locals
                .insert(key, (Rc::clone(function), scope.clone()));
        }
        scope
    }

    pub(crate) fn spot_of(&self, function: &Function<'a>) -> Spot {
        Spot::new(function.module, function.definition.range())
    }

    /// The function that runs when `callable` is called, seen through partials, bound methods, `__call__` and
    /// what is put around it; `None` where it is not in the tree.
    pub(crate) fn function_of(&mut self, callable: &Value<'a>) -> Option<Rc<Function<'a>>> {
        match callable {
            Value::Function(function) => Some(Rc::clone(function)),
            Value::Method(method) => Some(Rc::clone(&method.function)),
            Value::Partial(partial) => self.function_of(&partial.callee),
            Value::Wrapped(wrapped) => self.function_of(&wrapped.inner),
            Value::Annotated(annotated) => self.function_of(&annotated.base),
            Value::Object(object) => {
                let method = self.attribute_of_class(object, "__call__")?;
                self.function_of(&method)
            }
            Value::Class(class) => match self.find_in_class(class, "__init__") {
                Some(Value::Function(init)) => Some(init),
                _ => None,
            },
            Value::Either(several) => several.iter().find_map(|one| self.function_of(one)),
            _ => None,
        }
    }
}
