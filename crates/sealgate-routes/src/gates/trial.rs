//! A second look at what was taken for a gate: a stranger is sent through its body, on every way.
//!
//! The first walk asks whether a body can deny. This one asks whether a stranger can come through all the same.
//! The stranger brings nothing, or makes up whatever the body asks for. Being there, having the right form and
//! saying who one is are no proof. A credential is judged where it is compared with something that the stranger
//! did not bring, looked up, or handed to something unknown that may raise; there, a stranger fails.

mod attempts;
mod calls;
mod conditions;
mod kinds;
mod names;
mod statements;
mod strangers;

use std::rc::Rc;

use ruff_python_ast::Expr;
use rustc_hash::FxHashMap;

use super::Gates;
use super::paths::Template;
use super::tree::Takes;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Definition, Function, Scope, Value};

pub(super) use names::yields;
pub(super) use strangers::{Found, Passage, dependency, middleware, wrapper};

/// Who is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stranger {
    /// Brings nothing.
    Empty,
    /// Brings whatever is asked for, made up.
    Forger,
    /// Brings all that is asked for but one thing.
    Lacks(usize),
    /// Brings one thing of what is asked for.
    Only(usize),
}

/// What a name holds, for a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Nothing of the caller: settings and the like.
    Plain,
    /// Nothing, where something of the caller would be.
    Absent,
    /// Nothing, and it has nothing to do with the caller: `None`, an empty list.
    Nothing,
    /// What the stranger made up.
    Brought,
    /// What came out of a judgement of it.
    Judged,
    /// The request.
    Carrier,
    /// Its headers, cookies or query.
    Source,
    /// Something else of the request, such as its path.
    Shape,
    /// The form of what was brought: the stranger makes it true or false at will.
    Form,
    True,
    False,
}

/// How sure it is that a stranger passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Under some configuration.
    Configured,
    /// On some paths, or it is not certain.
    Perhaps,
    Sure,
}

/// A way through for a stranger.
#[derive(Clone, Debug)]
pub(super) struct Way {
    level: Level,
    why: Option<Rc<str>>,
}

/// What becomes of a stranger.
enum Fate {
    Stopped,
    Passes,
    /// The text says why it is not certain.
    Perhaps(Rc<str>),
}

/// What is known at a place in a body.
#[derive(Clone, Debug)]
struct State {
    kinds: FxHashMap<Rc<str>, Kind>,
    level: Level,
    why: Option<Rc<str>>,
}

/// What comes of a piece of a body.
#[derive(Clone, Debug, Default)]
struct Outcome {
    /// Some way ends in an error or an answer that denies.
    stops: bool,
    /// Something about the caller decided it.
    tested: bool,
    pass: Option<Way>,
    /// What is given back on the ways that pass.
    given: Option<Kind>,
    /// Classes of what is raised, for the `try` around.
    raises: Vec<Rc<str>>,
    falls: Option<State>,
}

/// What a function does to a stranger, for those who call it.
#[derive(Clone, Debug)]
pub(super) struct Met {
    stops: bool,
    passes: bool,
    tested: bool,
    given: Kind,
    raises: Vec<Rc<str>>,
}

/// What is known of functions already, by what they were handed; nothing while one is looked at.
type Known = FxHashMap<(usize, usize, Vec<Kind>), Option<Met>>;

/// The route that a middleware is looked at for.
struct Target<'t> {
    template: Template,
    methods: &'t [String],
    websocket: bool,
}

#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Trial<'t, 'a> {
    interpreter: &'t mut Interpreter<'a>,
    gates: &'t mut Gates<'a>,
    who: Stranger,
    /// Steps that are left.
    steps: usize,
    known: Known,
    /// What may be brought or left out, in the order in which it is asked for.
    asked: Vec<Rc<str>>,
    /// What is returned is the answer.
    answers: bool,
    /// What hands the request on, by name or by value.
    next: Option<Rc<str>>,
    wrapped: Option<Value<'a>>,
    target: Option<Target<'t>>,
    /// The function that is walked, and the names in it.
    function: Rc<Function<'a>>,
    scope: Scope<'a>,
    depth: usize,
    /// What the expression that is looked at did: raised, or denied.
    event: Option<Event>,
    tested: bool,
    /// What names were given last. The interpreter forgets those of a branch that ends.
    assigned: FxHashMap<&'a str, &'a Expr>,
    /// Whether what is looked at is asked whether it is true.
    asking: bool,
    /// Whether what is called is entered by `with`.
    entering: bool,
}

/// What a call did to the stranger.
#[derive(Clone, Debug)]
struct Event {
    /// What may have been raised; `?` for what is not known.
    raises: Vec<Rc<str>>,
}

/// More steps than this, and nothing is said against the first look.
const MOST_STEPS: usize = 6_000;

/// Deeper calls than this are taken for judgements.
const DEEPEST: usize = 6;

impl<'t, 'a> Trial<'t, 'a> {
    fn new(
        interpreter: &'t mut Interpreter<'a>,
        gates: &'t mut Gates<'a>,
        function: &Rc<Function<'a>>,
        receiver: Option<&Value<'a>>,
        who: Stranger,
    ) -> Self {
        let scope = gates.locals(interpreter, function, receiver);
        Self {
            interpreter,
            gates,
            who,
            steps: MOST_STEPS,
            known: FxHashMap::default(),
            asked: Vec::new(),
            answers: false,
            next: None,
            wrapped: None,
            target: None,
            function: function.clone(),
            scope,
            depth: 0,
            event: None,
            tested: false,
            assigned: FxHashMap::default(),
            asking: false,
            entering: false,
        }
    }

    fn fate(mut self, mut kinds: FxHashMap<Rc<str>, Kind>) -> (Fate, Vec<Rc<str>>) {
        self.note_carriers(&mut kinds);
        let outcome = self.whole(kinds);
        let asked = std::mem::take(&mut self.asked);
        if self.steps == 0 {
            // A middleware may pass some paths: what of it was not followed is not known to deny.
            let fate = match self.target {
                Some(_) => Fate::Perhaps("it is too much to follow".into()),
                None => Fate::Stopped,
            };
            return (fate, asked);
        }
        let fate = match outcome.pass {
            None => Fate::Stopped,
            Some(way) => match (way.level, way.why) {
                (Level::Configured, _) => Fate::Stopped,
                (Level::Sure, _) => Fate::Passes,
                (Level::Perhaps, why) => {
                    Fate::Perhaps(why.unwrap_or_else(|| "a stranger may come through it".into()))
                }
            },
        };
        (fate, asked)
    }

    /// The body from its first statement to its last; what falls out of it passes.
    fn whole(&mut self, kinds: FxHashMap<Rc<str>, Kind>) -> Outcome {
        let state = State {
            kinds,
            level: Level::Sure,
            why: None,
        };
        match self.function.definition {
            Definition::Function(definition) => {
                let mut outcome = self.block(&definition.body, state);
                if let Some(state) = outcome.falls.take() {
                    if self.answers && self.depth == 0 {
                        // Nothing was handed on, so nobody came through.
                        outcome.stops = true;
                    } else {
                        outcome.passes(&state, Kind::Nothing);
                    }
                }
                outcome
            }
            Definition::Lambda(lambda) => self.given(&lambda.body, &mut state.clone()),
        }
    }

    fn note_carriers(&mut self, kinds: &mut FxHashMap<Rc<str>, Kind>) {
        let scope = self.scope.clone();
        let quiet = std::mem::replace(&mut self.interpreter.quiet, true);
        let mut walker = super::body::Walker::new(
            self.interpreter,
            self.gates,
            self.function.clone(),
            scope,
            super::body::Mode::Dependency,
            0,
        );
        walker.note_carriers();
        for name in walker.taint.carriers {
            kinds.insert(name, Kind::Carrier);
        }
        self.interpreter.quiet = quiet;
    }

    /// What the parameters of a dependency hold.
    fn taken(&mut self, takes: &Takes<'a>) -> FxHashMap<Rc<str>, Kind> {
        let mut kinds = FxHashMap::default();
        let mut names: Vec<&Rc<str>> = takes.taint.credentials.iter().collect();
        names.sort();
        for name in names {
            if takes.depends.iter().any(|(depends, ..)| depends == name) {
                continue;
            }
            // FastAPI denies who leaves out what has to be there.
            let must = takes.must.contains(name) && self.who != Stranger::Empty;
            let kind = if must { Kind::Brought } else { self.own(name) };
            let stands_in = kind == Kind::Absent && takes.stands_in.contains(name);
            kinds.insert(name.clone(), if stands_in { Kind::Form } else { kind });
        }
        for ((name, _, callee), judged) in takes.depends.iter().zip(&takes.nested) {
            let kind = if super::tree::is_scheme(judged) {
                let denies = !judged.statuses.is_empty();
                if denies && self.who != Stranger::Empty {
                    Kind::Brought
                } else {
                    self.own(name)
                }
            } else if judged.is_gate() {
                Kind::Judged
            } else if !judged.credential {
                Kind::Plain
            } else {
                self.of_dependency(callee)
            };
            kinds.insert(name.clone(), kind);
        }
        kinds
    }

    /// What another dependency gives, that is no gate.
    fn of_dependency(&mut self, callee: &Value<'a>) -> Kind {
        if self.depth >= DEEPEST {
            return Kind::Judged;
        }
        let (function, receiver) = match callee {
            Value::Function(function) => (function.clone(), None),
            Value::Method(method) => (method.function.clone(), Some(method.receiver.clone())),
            Value::Object(_) => match self.interpreter.attribute(callee, "__call__") {
                Value::Method(method) => (method.function.clone(), Some(callee.clone())),
                _ => return Kind::Judged,
            },
            _ => return Kind::Judged,
        };
        let takes = super::tree::taken(self.interpreter, self.gates, callee);
        self.depth += 1;
        let kinds = self.taken(&takes);
        self.depth -= 1;
        let answers = std::mem::replace(&mut self.answers, false);
        let met = self.inside(&function, receiver.as_ref(), kinds);
        self.answers = answers;
        met.given
    }

    /// What the stranger brings where this is asked for.
    fn own(&mut self, key: &str) -> Kind {
        let known = self.asked.iter().position(|known| **known == *key);
        let at = known.unwrap_or(self.asked.len());
        if known.is_none() {
            self.asked.push(key.into());
        }
        let brings = match self.who {
            Stranger::Empty => false,
            Stranger::Forger => true,
            Stranger::Lacks(one) => at != one,
            Stranger::Only(one) => at == one,
        };
        if brings { Kind::Brought } else { Kind::Absent }
    }

    /// Walks another function.
    fn inside(
        &mut self,
        function: &Rc<Function<'a>>,
        receiver: Option<&Value<'a>>,
        mut kinds: FxHashMap<Rc<str>, Kind>,
    ) -> Met {
        let unsure = Met {
            stops: true,
            passes: true,
            tested: true,
            given: Kind::Judged,
            raises: vec!["?".into()],
        };
        let mut all: Vec<(Rc<str>, Kind)> = kinds
            .iter()
            .map(|(name, kind)| (name.clone(), *kind))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let mut shape: Vec<Kind> = Vec::new();
        if let Some(parameters) = function.definition.parameters() {
            for parameter in parameters.iter_non_variadic_params() {
                let name = parameter.parameter.name.as_str();
                shape.push(kinds.get(name).copied().unwrap_or(Kind::Plain));
            }
        }
        let inner = super::body::is_inside(function, &self.function);
        let key = (
            Rc::as_ptr(function).addr(),
            receiver.map_or(0, super::body::address),
            shape,
        );
        if !inner {
            match self.known.get(&key) {
                Some(Some(met)) => return met.clone(),
                Some(None) => return unsure,
                None => {}
            }
        }
        if self.depth >= DEEPEST || self.steps == 0 {
            return unsure;
        }
        self.known.insert(key.clone(), None);
        let scope = self.gates.locals(self.interpreter, function, receiver);
        let (event, tested) = (
            self.event.take(),
            std::mem::replace(&mut self.tested, false),
        );
        let known_function = std::mem::replace(&mut self.function, function.clone());
        let known_scope = std::mem::replace(&mut self.scope, scope);
        self.depth += 1;
        let asking = std::mem::replace(&mut self.asking, false);
        let entering = std::mem::replace(&mut self.entering, false);
        self.note_carriers(&mut kinds);
        let outcome = self.whole(kinds);
        self.depth -= 1;
        self.function = known_function;
        self.scope = known_scope;
        self.event = event;
        self.tested = tested;
        self.asking = asking;
        self.entering = entering;
        let met = Met {
            stops: outcome.stops,
            passes: outcome
                .pass
                .as_ref()
                .is_some_and(|way| way.level > Level::Configured)
                || outcome.pass.is_some() && !outcome.stops,
            tested: outcome.tested,
            given: outcome.given.unwrap_or(Kind::Plain),
            raises: outcome.raises,
        };
        self.known.insert(key, Some(met.clone()));
        met
    }

    fn value(&mut self, expression: &'a Expr) -> Value<'a> {
        let key = (
            std::ptr::from_ref(expression).addr(),
            Rc::as_ptr(&self.scope).addr(),
        );
        if let Some(known) = self.gates.values.get(&key) {
            return known.clone();
        }
        let mut value = self.interpreter.evaluate(expression, &self.scope);
        if let (Value::Unknown(_), Expr::Name(name), 0) = (&value, expression, self.depth)
            && let Some(given) = self.assigned.get(name.id.as_str())
        {
            value = self.interpreter.evaluate(given, &self.scope);
        }
        self.gates.values.insert(key, value.clone());
        value
    }

    fn text(&self, expression: &Expr) -> Rc<str> {
        super::strength::source(self.interpreter, &self.scope, expression)
    }
}
