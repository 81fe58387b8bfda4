//! The policies of a source, each with where it stands.

use std::collections::HashMap;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{ActionConstraint, Effect, Policy, PolicyId, PrincipalConstraint};

use super::finding::{Finding, Span};
use super::limits::{POLICIES_MOST, POLICY_BYTES_MOST, POLICY_DEPTH_MOST};
use super::source::PolicySource;
use super::text::{Anatomy, Statement, statements};

/// The longest `@id`, in bytes.
const ID_MOST: usize = 128;

/// One policy.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its `@id`.
    pub(crate) id: String,
    pub(crate) file: String,
    /// Where it begins in its file, in bytes.
    pub(crate) start: usize,
    /// Its own text, with the semicolon.
    pub(crate) text: String,
    /// Its parts, as places in `text`.
    pub(crate) anatomy: Anatomy,
    /// Where it begins.
    pub(crate) span: Span,
    pub(crate) policy: Policy,
}

impl Rule {
    pub(crate) fn permits(&self) -> bool {
        self.policy.effect() == Effect::Permit
    }

    /// Whether it could apply to an action, of which all groups are named too.
    pub(crate) fn is_about(&self, action: &str, groups: &[String]) -> bool {
        let fits = |uid: &cedar_policy::EntityUid| {
            let id: &str = uid.id().as_ref();
            id == action || groups.iter().any(|group| group == id)
        };
        match self.policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => uid.id().as_ref() as &str == action,
            ActionConstraint::In(uids) => uids.iter().any(fits),
        }
    }

    /// Whether it could apply to actors of this kind.
    pub(crate) fn is_for(&self, actor: &str) -> bool {
        match self.policy.principal_constraint() {
            PrincipalConstraint::Any | PrincipalConstraint::In(_) => true,
            PrincipalConstraint::Eq(uid) => uid.type_name().to_string() == actor,
            PrincipalConstraint::Is(name) | PrincipalConstraint::IsIn(name, _) => {
                name.to_string() == actor
            }
        }
    }

    /// Where the bytes from `start` to `end` of its text are.
    pub(crate) fn place(&self, source: &PolicySource, start: usize, end: usize) -> Span {
        let text = source.files.get(&self.file).map_or("", String::as_str);
        Span::of(&self.file, text, self.start + start, self.start + end)
    }
}

/// The policies of `source`, and what keeps others from being one. Limits are looked at before Cedar reads a word.
pub(crate) fn read(source: &PolicySource) -> (Vec<Rule>, Vec<Finding>) {
    let (mut rules, mut found) = (Vec::new(), Vec::new());
    let mut ids: HashMap<String, Span> = HashMap::new();
    for (file, text) in &source.files {
        for statement in statements(text) {
            if rules.len() >= POLICIES_MOST {
                let most = format!("there are more than {POLICIES_MOST} policies");
                found.push(Finding::error("policy_oversize", most));
                return (rules, found);
            }
            match rule(file, text, &statement) {
                Ok(rule) => {
                    if let Some(first) = ids.get(&rule.id) {
                        let message = format!("another policy has the id {:?}", rule.id);
                        let hint =
                            format!("it is at {}:{}:{}", first.file, first.line, first.column);
                        let twice = Finding::error("id_duplicate", message);
                        found.push(twice.at(rule.span).of(&rule.id).hint(hint));
                    } else {
                        ids.insert(rule.id.clone(), rule.span.clone());
                        rules.push(rule);
                    }
                }
                Err(findings) => found.extend(findings),
            }
        }
    }
    (rules, found)
}

fn rule(file: &str, text: &str, statement: &Statement) -> Result<Rule, Vec<Finding>> {
    let range = statement.range.clone();
    let own = &text[range.clone()];
    let span = Span::of(file, text, range.start, range.end);
    let one = |finding: Finding| vec![finding.at(span.clone())];
    let oversize = |message: String| {
        let hint = "write it as several policies: of several permits one is enough";
        Err(one(Finding::error("policy_oversize", message).hint(hint)))
    };
    if own.len() > POLICY_BYTES_MOST {
        let is = own.len();
        return oversize(format!(
            "this policy has {is} bytes, and {POLICY_BYTES_MOST} are taken"
        ));
    }
    if statement.depth > POLICY_DEPTH_MOST {
        let message = "what this policy asks is nested deeper, or a longer chain, than";
        return oversize(format!("{message} the {POLICY_DEPTH_MOST} that are taken"));
    }
    if own == ";" {
        return Err(one(Finding::error(
            "syntax",
            "a semicolon without a policy before it",
        )));
    }
    let policy = match Policy::parse(Some(PolicyId::new("new")), own) {
        Ok(policy) => policy,
        Err(errors) => {
            if own.contains("?principal") || own.contains("?resource") {
                let message = "a template is no policy: nothing here fills it in";
                let hint = "write the entity, or a role that it is in";
                return Err(one(Finding::error("template", message).hint(hint)));
            }
            let errors = errors.iter().map(|error| {
                let told = DetailedError::from(error);
                told_as("syntax", &told, |start, end| {
                    Span::of(file, text, range.start + start, range.start + end)
                })
            });
            return Err(errors
                .map(|finding| match finding.span {
                    Some(_) => finding,
                    None => finding.at(span.clone()),
                })
                .collect());
        }
    };
    let Some(id) = policy.annotation("id").filter(|id| !id.is_empty()) else {
        let message = "this policy has no id, by which it could be told that it decided";
        return Err(one(
            Finding::error("id_missing", message).hint("begin it with @id(\"…\")")
        ));
    };
    if id.len() > ID_MOST
        || !id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
    {
        let message = format!("{id:?} is no id of a policy");
        let hint = format!("write letters, digits and \"._:/-\", {ID_MOST} at most");
        return Err(one(Finding::error("id_malformed", message).hint(hint)));
    }
    let id = id.to_owned();
    // The parts of a text of its own begin at its own beginning.
    let anatomy = statements(own)
        .first()
        .map(|statement| statement.anatomy(own))
        .unwrap_or_default();
    Ok(Rule {
        policy: policy.new_id(PolicyId::new(&id)),
        file: file.to_owned(),
        start: range.start,
        text: own.to_owned(),
        anatomy,
        span,
        id,
    })
}

/// What Cedar tells, as a finding: where its first label is, if it has one.
pub(crate) fn told_as(
    code: &'static str,
    told: &DetailedError,
    place: impl Fn(usize, usize) -> Span,
) -> Finding {
    let mut message = told.message.trim().trim_end_matches('.').to_owned();
    let label = told.source_locations.first();
    if let Some(said) = label.and_then(|label| label.label.as_ref()) {
        message = format!("{message}: {said}");
    }
    let mut finding = Finding::error(code, message);
    if let Some(label) = label {
        finding = finding.at(place(label.loc.start, label.loc.end));
    }
    finding.hint.clone_from(&told.help);
    finding
}
