//! From a source to policies that decide: parsed, checked against the schema, and sorted by what they are about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Schema, ValidationMode,
    ValidationResult, ValidationWarning, Validator,
};

use super::analysis;
use super::finding::{Finding, Level};
use super::rules::{self, Rule, told_as};
use super::schema::schema_of;
use super::shape::{self, ACTORS, Applies, ROUTE};
use super::source::PolicySource;
use super::{Attributes, limits};
use crate::error::PolicyError;

/// No request can fulfil the policy.
const NEVER_APPLIES: &str = "never_applies";

/// Policies that decide.
pub struct Policies {
    /// Which of all that this process has compiled: no two have the same.
    pub(crate) identity: u64,
    pub(crate) source: PolicySource,
    pub(crate) rules: Vec<Rule>,
    pub(crate) plans: HashMap<String, Plan>,
    pub(crate) types: Types,
    /// Whether any of them may look at the time.
    pub(crate) reads_time: bool,
}

/// What is needed to decide about one action.
pub(crate) struct Plan {
    pub(crate) uid: EntityUid,
    /// The action itself and its groups, as policies see them.
    pub(crate) entities: Vec<Entity>,
    pub(crate) resources: BTreeSet<String>,
    pub(crate) context: Attributes,
    /// For each kind of actor the policies that could apply, or nothing where the action is not for it.
    pub(crate) slices: [Option<Arc<PolicySet>>; 3],
}

/// The names of types, which are parsed once.
pub(crate) struct Types(HashMap<String, EntityTypeName>);

impl Types {
    fn new(source: &PolicySource) -> Result<Self, PolicyError> {
        let own = ["Role", "Tenant", "Client", ROUTE, "Action"];
        let names = ACTORS.into_iter().chain(own);
        let names = names.chain(source.resources.keys().map(String::as_str));
        names
            .map(|name| {
                let parsed = EntityTypeName::from_str(name);
                let parsed = parsed
                    .map_err(|_| PolicyError::Malformed(format!("{name:?} is no name of a type")));
                parsed.map(|parsed| (name.to_owned(), parsed))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The entity of a kind that is known.
    pub(crate) fn uid(&self, kind: &str, id: &str) -> Option<EntityUid> {
        let name = self.0.get(kind)?;
        Some(EntityUid::from_type_name_and_id(
            name.clone(),
            EntityId::new(id),
        ))
    }
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.rules.iter().map(|rule| &rule.id);
        f.debug_list().entries(ids).finish()
    }
}

/// Numbers what was compiled in this process, so that answers of one are never taken for those of another.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Policies {
    /// Compiles `source`: within the limits, of good form, and sound by the schema in Cedar's strict mode.
    ///
    /// # Errors
    /// [`PolicyError::Oversize`] where there is too much of it, and [`PolicyError::Unsound`] with every finding
    /// of level error that makes it undecidable what the policies mean. What [`analyse`] finds beyond that is
    /// refused before policies are applied, and does not keep a gate from using those that were.
    pub fn compile(source: &PolicySource) -> Result<Self, PolicyError> {
        let parsed = Parsed::of(source)?;
        let mut found = parsed.found;
        // A policy that never applies is refused before it is applied, and does no harm here.
        found.retain(|finding| finding.level == Level::Error && finding.code != NEVER_APPLIES);
        let Some(schema) = parsed.schema.filter(|_| found.is_empty()) else {
            return Err(PolicyError::Unsound(found));
        };
        let types = Types::new(source)?;
        let plans = plans(&parsed.rules, &parsed.actions, &types, &schema)?;
        Ok(Self {
            identity: NEXT.fetch_add(1, Ordering::Relaxed),
            reads_time: parsed.rules.iter().any(|rule| match rule.policy.to_json() {
                Ok(document) => reads_time(&document),
                Err(_) => true,
            }),
            source: source.clone(),
            rules: parsed.rules,
            plans,
            types,
        })
    }

    /// How many policies there are.
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    /// Which of all that this process has compiled it is: no two have the same, also where their text is.
    pub const fn identity(&self) -> u64 {
        self.identity
    }

    /// Whether there is an action of this name.
    pub fn knows(&self, action: &str) -> bool {
        self.plans.contains_key(action)
    }
}

/// Whether a policy, in Cedar's JSON, may look at the time: it reads that from the context, or does something else
/// with it than to read one of the other attributes.
fn reads_time(document: &serde_json::Value) -> bool {
    let is_context = |value: &serde_json::Value| {
        value.as_object().is_some_and(|fields| {
            fields.len() == 1 && fields.get("Var").and_then(|var| var.as_str()) == Some("context")
        })
    };
    if is_context(document) {
        return true;
    }
    match document {
        serde_json::Value::Object(fields) => fields.iter().any(|(name, value)| {
            let reads = name == "." || name == "has";
            match (
                value.get("left"),
                value.get("attr").and_then(|attr| attr.as_str()),
            ) {
                (Some(left), Some(attr)) if reads && is_context(left) => attr == "now",
                _ => reads_time(value),
            }
        }),
        serde_json::Value::Array(values) => values.iter().any(reads_time),
        _ => false,
    }
}

/// Everything that is found in `source`, in the order of files and lines, and then what is about no line.
///
/// # Errors
/// [`PolicyError::Oversize`] where there is too much of it to be looked at.
pub fn analyse(source: &PolicySource) -> Result<Vec<Finding>, PolicyError> {
    let parsed = Parsed::of(source)?;
    let mut found = parsed.found;
    // Where a policy could not be read, what it permits is not known.
    let is_whole = parsed.rules.len() == count(source);
    found.extend(analysis::look(
        source,
        &parsed.rules,
        &parsed.actions,
        is_whole,
    ));
    found.sort_by(|a, b| {
        let order = |finding: &Finding| (finding.span.is_none(), finding.span.clone());
        // Cedar tells what is wrong with one expression in no order of its own.
        let told = |finding: &Finding| (finding.code, finding.message.clone());
        order(a).cmp(&order(b)).then_with(|| told(a).cmp(&told(b)))
    });
    Ok(found)
}

/// Whether `source` may be applied: it compiles, and nothing of level error is found in it. What is of level
/// warning is given back.
///
/// # Errors
/// As [`Policies::compile`], and [`PolicyError::Unsound`] for what [`analyse`] finds beyond that.
pub fn check(source: &PolicySource) -> Result<Vec<Finding>, PolicyError> {
    let (errors, warnings): (Vec<Finding>, Vec<Finding>) = analyse(source)?
        .into_iter()
        .partition(|finding| finding.level == Level::Error);
    if !errors.is_empty() {
        return Err(PolicyError::Unsound(errors));
    }
    Policies::compile(source).map(|_| warnings)
}

/// How many policies are written in `source`, sound or not.
pub fn count(source: &PolicySource) -> usize {
    let statements = source
        .files
        .values()
        .map(|text| super::text::statements(text).len());
    statements.sum()
}

/// A source as far as it could be read.
struct Parsed {
    rules: Vec<Rule>,
    actions: BTreeMap<String, Applies>,
    schema: Option<Schema>,
    found: Vec<Finding>,
}

impl Parsed {
    fn of(source: &PolicySource) -> Result<Self, PolicyError> {
        limits::check(source)?;
        let actions = shape::actions(source);
        let mut found = shape::check(source, &actions);
        let (rules, unread) = rules::read(source);
        let mut schema = None;
        if found.is_empty() {
            match Schema::from_cedarschema_str(&schema_of(source, &actions)) {
                Ok((made, _)) => schema = Some(made),
                Err(error) => {
                    let told = DetailedError::from(&error);
                    let message = format!("what is declared makes no schema: {}", told.message);
                    found.push(Finding::error("declaration_wrong", message));
                }
            }
        }
        found.extend(unread);
        if let Some(schema) = &schema {
            let set = set_of(&rules)?;
            let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
            found.extend(told(&result, source, &rules));
        }
        Ok(Self {
            rules,
            actions,
            schema,
            found,
        })
    }
}

fn set_of<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Result<PolicySet, PolicyError> {
    PolicySet::from_policies(rules.into_iter().map(|rule| rule.policy.clone()))
        .map_err(|error| PolicyError::Malformed(error.to_string()))
}

/// What Cedar's validator says, with the places in the files.
fn told(result: &ValidationResult, source: &PolicySource, rules: &[Rule]) -> Vec<Finding> {
    let by_id = |id: &str| rules.iter().find(|rule| rule.id == id);
    let placed = |code, told: &DetailedError, id: &cedar_policy::PolicyId| {
        let id: &str = id.as_ref();
        let rule = by_id(id);
        let place = |start, end| match rule {
            Some(rule) => rule.place(source, start, end),
            None => super::Span::of(id, "", 0, 0),
        };
        let mut finding = told_as(code, told, place);
        // The message repeats the id, which is told by itself.
        if let Some((_, said)) = finding.message.split_once(&format!("for policy `{id}`, ")) {
            finding.message = String::from(said);
        }
        if finding.span.is_none() {
            finding.span = rule.map(|rule| rule.span.clone());
        }
        finding.of(id)
    };
    let errors = result
        .validation_errors()
        .map(|error| placed("type", &DetailedError::from(error), error.policy_id()));
    let warnings = result.validation_warnings().map(|warning| {
        let told = DetailedError::from(warning);
        let is_dead = matches!(
            warning,
            ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_)
        );
        let (code, level) = if is_dead {
            (NEVER_APPLIES, Level::Error)
        } else {
            ("confusable", Level::Warning)
        };
        let finding = placed(code, &told, warning.policy_id());
        if is_dead {
            let hint = "no actor and no resource can fulfil it: take it away, or mend what it asks";
            Finding { level, ..finding }.hint(hint)
        } else {
            Finding { level, ..finding }
        }
    });
    let mut found: Vec<Finding> = Vec::new();
    for finding in errors.chain(warnings) {
        // That a policy never applies is told once, and not where it follows from what is wrong with its types.
        let is_known = finding.code == NEVER_APPLIES
            && found.iter().any(|other| {
                other.policy == finding.policy && matches!(other.code, "type" | NEVER_APPLIES)
            });
        if !is_known {
            found.push(finding);
        }
    }
    found
}

fn plans(
    rules: &[Rule],
    actions: &BTreeMap<String, Applies>,
    types: &Types,
    schema: &Schema,
) -> Result<HashMap<String, Plan>, PolicyError> {
    let wrong = |what: String| PolicyError::Malformed(what);
    let declared = schema
        .action_entities()
        .map_err(|error| wrong(error.to_string()))?;
    let mut slices: HashMap<Vec<usize>, Arc<PolicySet>> = HashMap::new();
    let mut plans = HashMap::new();
    for (name, action) in actions
        .iter()
        .filter(|(_, action)| !action.resources.is_empty())
    {
        let uid = types.uid("Action", name);
        let uid = uid.ok_or_else(|| wrong(format!("{name:?} is no name of an action")))?;
        let above: Vec<EntityUid> = declared
            .ancestors(&uid)
            .map(|above| above.cloned().collect())
            .unwrap_or_default();
        let groups: Vec<String> = above
            .iter()
            .map(|group| AsRef::<str>::as_ref(group.id()).to_owned())
            .collect();
        let mut of_actors = [None, None, None];
        for (slot, actor) in of_actors.iter_mut().zip(ACTORS) {
            if !action.actors.contains(actor) {
                continue;
            }
            let fitting: Vec<usize> = (0..rules.len())
                .filter(|&at| rules[at].is_about(name, &groups) && rules[at].is_for(actor))
                .collect();
            let set = if let Some(set) = slices.get(&fitting) {
                Arc::clone(set)
            } else {
                let set = Arc::new(set_of(fitting.iter().map(|&at| &rules[at]))?);
                slices.insert(fitting, Arc::clone(&set));
                set
            };
            *slot = Some(set);
        }
        let entities = std::iter::once(&uid).chain(&above);
        let entities = entities
            .filter_map(|uid| declared.get(uid))
            .cloned()
            .collect();
        plans.insert(
            name.clone(),
            Plan {
                uid,
                entities,
                resources: action.resources.clone(),
                context: action.context.clone(),
                slices: of_actors,
            },
        );
    }
    Ok(plans)
}
