//! What is known of a callable once it was looked at: whether it is a gate, how strong, and what is wrong with it.

use std::collections::BTreeSet;
use std::rc::Rc;

use sealgate_inventory::Strength;

use crate::evaluate::value::Spot;

/// Whether something is a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It denies callers by their credential, or because they bring none.
    Gate,
    /// It lets everybody pass. The text says why that is thought, as part of a sentence.
    NotGate(Rc<str>),
    /// It could not be told. The text says why, as part of a sentence.
    Unknown(Rc<str>),
}

/// What is known of a callable.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    /// `module:qualname`, or the dotted name of what a library has.
    pub(crate) name: Rc<str>,
    /// Where it is written, if it is in the tree.
    pub(crate) spot: Option<Spot>,
    /// The statuses that it denies with, its own gates included. 1008 is a WebSocket that is closed.
    pub(crate) statuses: BTreeSet<u16>,
    /// Whether it looks at something that a caller identifies itself by.
    pub(crate) credential: bool,
    /// What it asks for. For what is no gate, nothing.
    pub(crate) strength: Strength,
    /// The gates that it leans on: in its signature, or called in its body.
    pub(crate) through: Vec<Rc<Judgement>>,
    /// Facts for the soundness rules.
    pub(crate) flaws: Vec<Flaw>,
    /// Whether it takes `SecurityScopes`, and so asks for what `Security(..., scopes=...)` says.
    pub(crate) takes_scopes: bool,
    /// Why it marks a route as public: Sealgate's `gate.public(...)`.
    pub(crate) public: Option<Rc<str>>,
}

impl Judgement {
    pub(crate) fn new(name: impl Into<Rc<str>>, verdict: Verdict) -> Self {
        Self {
            verdict,
            name: name.into(),
            spot: None,
            statuses: BTreeSet::new(),
            credential: false,
            strength: Strength::default(),
            through: Vec::new(),
            flaws: Vec::new(),
            takes_scopes: false,
            public: None,
        }
    }

    pub(crate) fn not_gate(name: impl Into<Rc<str>>, why: &str) -> Self {
        Self::new(name, Verdict::NotGate(why.into()))
    }

    pub(crate) fn unknown(name: impl Into<Rc<str>>, why: impl Into<Rc<str>>) -> Self {
        Self::new(name, Verdict::Unknown(why.into()))
    }

    pub(crate) fn is_gate(&self) -> bool {
        self.verdict == Verdict::Gate
    }

    /// All facts for rules, those of the gates it leans on included.
    pub(crate) fn all_flaws(&self) -> Vec<&Flaw> {
        let mut found: Vec<&Flaw> = self.flaws.iter().collect();
        for nested in &self.through {
            for flaw in nested.all_flaws() {
                if !found.contains(&flaw) {
                    found.push(flaw);
                }
            }
        }
        found
    }
}

/// A fact about a callable that a soundness rule may report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flaw {
    pub(crate) kind: FlawKind,
    pub(crate) spot: Spot,
    /// What it is about, in the source's own words where that helps.
    pub(crate) text: Rc<str>,
}

/// The kinds of [`Flaw`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum FlawKind {
    /// A coroutine is made and never awaited: nothing runs.
    UnawaitedCall,
    /// It takes a credential and returns on every path.
    NeverDenies,
    /// It returns, or does not check, under a condition on the configuration. The text is the condition.
    EarlyReturn,
    /// It denies nobody where a variable is not set. The text is the variable.
    NotConfigured,
    /// It returns an actor that nobody proved to be. The text is what it returns.
    MockUser,
    /// A factory gives something that does nothing. The text is what it gives.
    NoOpBranch,
    /// It decides by a part of the path. The text is the condition.
    PathDecision,
    /// A parameter is a `Request`, which a WebSocket has none of. The text is the parameter.
    RequestTyped,
    /// A denial is caught on the way, and the request goes on.
    SwallowedDenial,
    /// It checks that something is there, not what it is. The text is the scheme.
    SchemeOnly,
    /// It denies who brings nothing, and lets in who brings anything. The text is its name.
    PresenceOnly,
    /// A security scheme with `auto_error=False`: it denies nobody. The text is the scheme.
    AutoErrorFalse,
    /// A handler acts, there, before it asks its gate. The text is the call of the gate.
    EffectFirst,
    /// Something that is always true is returned where a denial was meant, or asked as if it were a `bool`.
    ReturnsTruthyObject,
}
