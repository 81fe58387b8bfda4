//! Which strangers are sent, and what comes of all of them together.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Fate, Kind, Stranger, Target, Trial};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Function, Value};
use crate::framework::FlatRoute;
use crate::gates::Gates;
use crate::gates::paths::Template;
use crate::gates::tree::Takes;

/// What strangers meet in a dependency. `denied`: FastAPI denies who brings nothing before it is called.
pub(in crate::gates) fn dependency<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    function: &Rc<Function<'a>>,
    receiver: Option<&Value<'a>>,
    takes: &Takes<'a>,
    denied: bool,
) -> Found {
    all(denied, |who| {
        let mut trial = Trial::new(interpreter, gates, function, receiver, who);
        let kinds = trial.taken(takes);
        trial.fate(kinds)
    })
}

/// What strangers meet in a wrapper around a handler.
pub(in crate::gates) fn wrapper<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    function: &Rc<Function<'a>>,
    receiver: Option<&Value<'a>>,
    wrapped: &Value<'a>,
) -> Found {
    all(false, |who| {
        let mut trial = Trial::new(interpreter, gates, function, receiver, who);
        trial.answers = true;
        trial.wrapped = Some(wrapped.clone());
        trial.fate(FxHashMap::default())
    })
}

/// A middleware, and the route that it is looked at for.
pub(in crate::gates) struct Passage<'p, 'a> {
    pub(in crate::gates) function: &'p Rc<Function<'a>>,
    pub(in crate::gates) receiver: Option<&'p Value<'a>>,
    /// The parameter that is the request, or the scope.
    pub(in crate::gates) request: Option<Rc<str>>,
    /// What hands the request on; nothing in plain ASGI.
    pub(in crate::gates) next: Option<Rc<str>>,
    pub(in crate::gates) route: &'p FlatRoute<'a>,
    pub(in crate::gates) template: Template,
}

/// What strangers meet in a middleware, on the way to a route.
pub(in crate::gates) fn middleware<'a>(
    interpreter: &mut Interpreter<'a>,
    gates: &mut Gates<'a>,
    passage: &Passage<'_, 'a>,
) -> Found {
    all(false, |who| {
        let mut trial = Trial::new(interpreter, gates, passage.function, passage.receiver, who);
        trial.answers = true;
        trial.next.clone_from(&passage.next);
        trial.target = Some(Target {
            template: passage.template.clone(),
            methods: &passage.route.methods,
            websocket: passage.route.kind == sealgate_inventory::Kind::Websocket,
        });
        trial.fate(
            passage
                .request
                .iter()
                .map(|name| (name.clone(), Kind::Carrier))
                .collect(),
        )
    })
}

/// What was found of all strangers: the worst.
pub(in crate::gates) enum Found {
    Denies,
    /// It lets in who brings nothing.
    Open,
    /// It lets in who brings anything.
    PresenceOnly,
    Perhaps(Rc<str>),
}

/// More things than this that may be left out are not tried one by one.
const MOST_ASKED: usize = 6;

fn all(denied: bool, mut send: impl FnMut(Stranger) -> (Fate, Vec<Rc<str>>)) -> Found {
    let mut perhaps = None;
    if !denied {
        match send(Stranger::Empty).0 {
            Fate::Stopped => {}
            Fate::Passes => return Found::Open,
            Fate::Perhaps(why) => perhaps = Some(why),
        }
    }
    let (fate, asked) = send(Stranger::Forger);
    match fate {
        Fate::Stopped => {}
        Fate::Passes => return Found::PresenceOnly,
        Fate::Perhaps(why) => perhaps = perhaps.or(Some(why)),
    }
    if let Some(why) = perhaps {
        return Found::Perhaps(why);
    }
    for (at, key) in asked.iter().enumerate().take(MOST_ASKED) {
        // Who leaves out the only thing brings nothing, and was sent.
        if asked.len() < 2 && !denied {
            break;
        }
        for (who, what) in [
            (Stranger::Lacks(at), "leaves out"),
            (Stranger::Only(at), "brings only"),
        ] {
            if !matches!(send(who).0, Fate::Stopped) {
                return Found::Perhaps(
                    format!("a stranger who {what} `{key}` may come through it").into(),
                );
            }
        }
    }
    Found::Denies
}
