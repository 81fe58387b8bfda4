//! Which objects of the source are applications of their own.

use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::Known;
use super::around::{Wrapped, unwrap, wrapped};
use super::construct::router_of;
use super::data::{Framework, Middleware, framework, items};
use super::table::{FlatRoute, flatten};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Object, Spot, Value};

/// An application, or a router that no application leads to.
pub(crate) struct Application<'a> {
    /// `module:name`, or `module:factory()`.
    pub(crate) name: String,
    pub(crate) object: Rc<Object<'a>>,
    /// What the same factory made with other arguments.
    pub(crate) twins: Vec<Rc<Object<'a>>>,
    /// What the source puts around it, from the outermost to the innermost: `asgi = Guard(app)`.
    pub(crate) around: Vec<Rc<Middleware<'a>>>,
    /// The name of the application inside of that, which may be served without it.
    pub(crate) bare: Option<String>,
}

impl<'a> Application<'a> {
    /// The application without what is put around it.
    pub(crate) fn unwrapped(self) -> Self {
        let name = self.bare.clone().unwrap_or(self.name);
        Self {
            name,
            around: Vec::new(),
            bare: None,
            ..self
        }
    }

    /// Its routes in the order in which they are tried, then those that only its twins have.
    pub(crate) fn flatten(&self, interpreter: &mut Interpreter<'a>) -> Vec<FlatRoute<'a>> {
        let mut all = self.flatten_inside(interpreter);
        for route in &mut all {
            route.middleware.splice(0..0, self.around.iter().cloned());
        }
        all
    }

    fn flatten_inside(&self, interpreter: &mut Interpreter<'a>) -> Vec<FlatRoute<'a>> {
        let all = flatten(interpreter, &self.object);
        let mut all = without_repeats(interpreter, all);
        for twin in &self.twins {
            for mut route in flatten(interpreter, twin) {
                let known = all
                    .iter_mut()
                    .find(|known| same_route(interpreter, known, &route));
                if let Some(known) = known {
                    known.learn_path(&route);
                } else {
                    route.of_twin = true;
                    all.push(route);
                }
            }
        }
        all
    }
}

/// Leaves out what both branches of a condition add in the same way.
fn without_repeats<'a>(
    interpreter: &Interpreter<'a>,
    all: Vec<FlatRoute<'a>>,
) -> Vec<FlatRoute<'a>> {
    let mut seen: FxHashMap<(Spot, String, Vec<String>), Vec<usize>> = FxHashMap::default();
    let mut kept: Vec<FlatRoute<'a>> = Vec::with_capacity(all.len());
    for route in all {
        let key = (route.spot, route.path.clone(), route.methods.clone());
        let others = seen.entry(key).or_default();
        let repeats = |at: &usize| {
            let other = &kept[*at];
            !route.conditions.is_empty()
                && !other.conditions.is_empty()
                && other.conditions != route.conditions
                && other.kind == route.kind
                && other.endpoint.same(&route.endpoint)
                && before(interpreter, other) == before(interpreter, &route)
        };
        if !others.iter().any(repeats) {
            others.push(kept.len());
            kept.push(route);
        }
    }
    kept
}

/// Whether two applications of one factory have this route in common, with the same before it.
fn same_route<'a>(
    interpreter: &Interpreter<'a>,
    known: &FlatRoute<'a>,
    other: &FlatRoute<'a>,
) -> bool {
    known.same_way(other) && before(interpreter, known) == before(interpreter, other)
}

/// The names of everything that stands before a route, and whether it does so for sure.
fn before<'a>(interpreter: &Interpreter<'a>, route: &FlatRoute<'a>) -> Vec<String> {
    let mut names = Vec::new();
    for dependency in route.layers.iter().flat_map(|layer| &layer.dependencies) {
        for one in dependency.alternatives() {
            names.push(match one {
                Value::Depends(depends) => depends
                    .callee
                    .as_ref()
                    .map_or_else(String::new, |callee| interpreter.name_of(callee)),
                Value::None => "None".to_owned(),
                other => interpreter.name_of(other),
            });
        }
    }
    for middleware in &route.middleware {
        let sure = middleware.added.conditions.is_empty();
        names.push(format!(
            "{} {sure}",
            interpreter.name_of(&middleware.callee)
        ));
    }
    names
}

/// Every application that is not inside another one, in the order in which they are made.
pub(crate) fn applications<'a>(interpreter: &mut Interpreter<'a>) -> Vec<Application<'a>> {
    let wrapped = wrapped(interpreter);
    let map = Map::of(interpreter);
    let is_application = |object: &Rc<Object<'a>>| object.known.is_some_and(Known::is_application);
    let roots = map.roots(&is_application);
    let inside: Vec<usize> = map.below(&roots);
    let mut found = Vec::new();
    for group in map.groups(&roots) {
        let has_name = |at: &&usize| map.objects[**at].name.borrow().is_some();
        let of_modules: Vec<usize> = group.iter().filter(has_name).copied().collect();
        let (first, twins): (Vec<usize>, Vec<usize>) = if of_modules.is_empty() {
            // A factory that is called for what is mounted elsewhere has been seen there.
            if group
                .iter()
                .all(|at| covered(interpreter, &map, *at, &inside))
            {
                continue;
            }
            (vec![group[0]], group[1..].to_vec())
        } else {
            let others = group
                .iter()
                .filter(|at| !of_modules.contains(at))
                .copied()
                .collect();
            (of_modules, others)
        };
        for (nth, at) in first.iter().enumerate() {
            let twins = if nth == 0 { &twins[..] } else { &[] };
            found.push((*at, twins.to_vec()));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    let mut all: Vec<Application<'a>> = Vec::new();
    for (at, twins) in found {
        let mut name = name_of(interpreter, &map.objects[at]);
        let (around, outer) = around_of(&wrapped, &map.objects[at]);
        let bare = outer
            .as_ref()
            .filter(|outer| **outer != name)
            .map(|_| name.clone());
        name = outer.unwrap_or(name);
        let every = std::iter::once(at).chain(twins);
        let every = every.map(|at| Rc::clone(&map.objects[at]));
        // Made in one of two ways, under one name: it is one or the other when it serves.
        if let Some(known) = all.iter_mut().find(|known| known.name == name) {
            known.twins.extend(every);
        } else {
            all.push(Application {
                name,
                object: Rc::clone(&map.objects[at]),
                twins: every.skip(1).collect(),
                around,
                bare,
            });
        }
    }
    all
}

/// The routers with routes that no application leads to, the outermost of them only.
pub(crate) fn orphans<'a>(interpreter: &mut Interpreter<'a>) -> Vec<Application<'a>> {
    let map = Map::of(interpreter);
    let is_application = |object: &Rc<Object<'a>>| object.known.is_some_and(Known::is_application);
    let apps: Vec<usize> = (0..map.objects.len())
        .filter(|at| is_application(&map.objects[*at]))
        .collect();
    let mut inside = map.below(&apps);
    inside.extend(apps);
    let is_orphan = |object: &Rc<Object<'a>>| {
        !is_application(object)
            && !inside
                .iter()
                .any(|at| Rc::ptr_eq(&map.objects[*at], object))
    };
    let roots = map.roots(&is_orphan);
    let mut found = Vec::new();
    for group in map.groups(&roots) {
        let left: Vec<usize> = group
            .iter()
            .copied()
            .filter(|at| !covered(interpreter, &map, *at, &inside))
            .collect();
        if let Some((first, twins)) = left.split_first() {
            found.push(Application {
                name: name_of(interpreter, &map.objects[*first]),
                object: Rc::clone(&map.objects[*first]),
                twins: twins
                    .iter()
                    .map(|twin| Rc::clone(&map.objects[*twin]))
                    .collect(),
                around: Vec::new(),
                bare: None,
            });
        }
    }
    found
}

/// Whether everything that is written for the router at `at` has been seen in one of `inside`, which was made at
/// the same spot. So has a router without any routes.
fn covered<'a>(
    interpreter: &mut Interpreter<'a>,
    map: &Map<'a>,
    at: usize,
    inside: &[usize],
) -> bool {
    let object = Rc::clone(&map.objects[at]);
    let spots = spots(interpreter, &object);
    let application = object.known.is_some_and(Known::is_application);
    if spots.is_empty() {
        return !application;
    }
    let twins: Vec<usize> = inside
        .iter()
        .copied()
        .filter(|other| *other != at && map.objects[*other].spot == object.spot)
        .collect();
    twins.into_iter().any(|twin| {
        let seen = self::spots(interpreter, &Rc::clone(&map.objects[twin]));
        spots.is_subset(&seen)
    })
}

fn spots<'a>(interpreter: &mut Interpreter<'a>, object: &Rc<Object<'a>>) -> BTreeSet<Spot> {
    flatten(interpreter, object)
        .into_iter()
        .map(|route| route.spot)
        .collect()
}

/// What the source puts around an application, and the name that has.
fn around_of<'a>(
    wrapped: &[Wrapped<'a>],
    object: &Rc<Object<'a>>,
) -> (Vec<Rc<Middleware<'a>>>, Option<String>) {
    // What is around something else as well is further out.
    let found = wrapped
        .iter()
        .filter(|one| Rc::ptr_eq(&one.inner, object))
        .max_by_key(|one| one.around.len());
    found.map_or_else(Default::default, |one| {
        (one.around.clone(), one.name.clone())
    })
}

/// `module:name`, or `module:factory()`.
fn name_of(interpreter: &Interpreter<'_>, object: &Object<'_>) -> String {
    let sources = interpreter.sources;
    if let Some((module, name)) = &*object.name.borrow() {
        return format!("{}:{name}", sources.name(*module));
    }
    let module = sources.name(object.spot.module);
    if let Some(maker) = &object.maker {
        let name = maker
            .qualname
            .strip_suffix(".__init__")
            .unwrap_or(&maker.qualname);
        return format!("{}:{name}()", sources.name(maker.module));
    }
    let line = interpreter.place(object.spot).line;
    format!("{module}:<line {line}>")
}

/// The routers of the source and which of them lead to which.
struct Map<'a> {
    objects: Vec<Rc<Object<'a>>>,
    edges: Vec<Vec<usize>>,
}

impl<'a> Map<'a> {
    fn of(interpreter: &mut Interpreter<'a>) -> Self {
        let all = interpreter.objects.clone();
        let mut map = Self {
            objects: Vec::new(),
            edges: Vec::new(),
        };
        for object in all
            .iter()
            .filter(|object| object.known.is_some_and(Known::is_router))
        {
            map.add(object);
        }
        let mut at = 0;
        while at < map.objects.len() {
            let object = Rc::clone(&map.objects[at]);
            let mut targets = Vec::new();
            if let Some(made) = router_of(interpreter, &object)
                && let Some(router) = made.router()
            {
                targets = targets_of(&router.routes.borrow());
            }
            for target in targets {
                let target = map.add(&target);
                map.edges[at].push(target);
            }
            at += 1;
        }
        map
    }

    fn add(&mut self, object: &Rc<Object<'a>>) -> usize {
        if let Some(at) = self
            .objects
            .iter()
            .position(|known| Rc::ptr_eq(known, object))
        {
            return at;
        }
        self.objects.push(Rc::clone(object));
        self.edges.push(Vec::new());
        self.objects.len() - 1
    }

    /// Everything that these lead to.
    fn below(&self, roots: &[usize]) -> Vec<usize> {
        let seen = self.reached(roots);
        (0..self.objects.len()).filter(|at| seen[*at]).collect()
    }

    /// Of each object whether these lead to it.
    fn reached(&self, roots: &[usize]) -> Vec<bool> {
        let mut seen = vec![false; self.objects.len()];
        let mut waiting: Vec<usize> = roots.to_vec();
        while let Some(at) = waiting.pop() {
            for &target in &self.edges[at] {
                if !seen[target] {
                    seen[target] = true;
                    waiting.push(target);
                }
            }
        }
        seen
    }

    /// Those that no other of their kind leads to. Of those that lead to each other, the first.
    fn roots(&self, kind: &dyn Fn(&Rc<Object<'a>>) -> bool) -> Vec<usize> {
        let all = (0..self.objects.len()).filter(|at| kind(&self.objects[*at]));
        let all: Vec<(usize, Vec<bool>)> = all.map(|at| (at, self.reached(&[at]))).collect();
        let is_root = |(at, reached): &&(usize, Vec<bool>)| {
            !all.iter().any(|(other, reached_by_other)| {
                other != at && reached_by_other[*at] && (!reached[*other] || other < at)
            })
        };
        all.iter().filter(is_root).map(|(at, _)| *at).collect()
    }

    /// Those made at the same spot of the source together.
    fn groups(&self, all: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &at in all {
            let same = |other: &Vec<usize>| {
                let other = &self.objects[other[0]];
                let object = &self.objects[at];
                let class = match (&object.class, &other.class) {
                    (None, None) => true,
                    (Some(a), Some(b)) => Rc::ptr_eq(a, b),
                    _ => false,
                };
                object.spot == other.spot && class
            };
            match groups.iter_mut().find(|group| same(group)) {
                Some(group) => group.push(at),
                None => groups.push(vec![at]),
            }
        }
        groups
    }
}

/// The routers that a list of routes leads to.
fn targets_of<'a>(routes: &Value<'a>) -> Vec<Rc<Object<'a>>> {
    let mut found = Vec::new();
    for item in items(Some(routes), "the list of routes") {
        for item in item.alternatives() {
            let Value::Object(entry) = item else { continue };
            let target = match framework(entry).as_deref() {
                Some(Framework::Include(include)) => include.router.clone(),
                Some(Framework::Mount(mount)) => {
                    let all = mount.app.alternatives();
                    Value::either(
                        all.iter()
                            .map(|app| unwrap(app, &mount.added, &mut Vec::new(), 0)),
                    )
                }
                _ => continue,
            };
            for target in target.alternatives() {
                if let Value::Object(target) = target
                    && target.known.is_some_and(Known::is_router)
                {
                    found.push(Rc::clone(target));
                }
            }
        }
    }
    found
}
