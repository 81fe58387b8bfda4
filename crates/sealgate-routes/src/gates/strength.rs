//! What more than a valid credential a denial asks for, read from the conditions that lead to it.
//!
//! A condition asks for privilege when it compares an attribute (or item) of the actor that holds roles, groups,
//! scopes or the like with constants, or asks for a flag of the actor that names a privilege (`is_superuser`).
//! What the account's state is (active, verified) is no privilege. Names of attributes count here, because they
//! are the data model; names of parameters and functions never do.

use std::collections::BTreeSet;
use std::rc::Rc;

use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};
use ruff_text_size::Ranged;
use sealgate_inventory::{Level, Strength, is_everyday_scope};

use super::bearing::{Bearing, Taint, key_of_get, text};
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Names, Scope, Spot, Value};

/// A condition on the way to a statement.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a> {
    pub(super) test: &'a Expr,
    pub(super) holds: bool,
    /// Whether it is only that an earlier `return` was not taken.
    pub(super) early: bool,
}

/// Where names mean something.
pub(super) struct Reader<'r, 'a> {
    pub(super) interpreter: &'r mut Interpreter<'a>,
    pub(super) scope: &'r Scope<'a>,
    pub(super) taint: &'r Taint,
    /// What the caller of the function handed in.
    pub(super) bindings: &'r Names<'a>,
}

/// What one condition asks for.
#[derive(Clone, Default)]
struct Need {
    /// Of each group one is enough; all groups are asked for.
    groups: Vec<BTreeSet<Asked>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Role(String),
    Scope(String),
    More(String),
}

/// Roles that everybody has who can sign in.
const ORDINARY: [&str; 8] = [
    "user",
    "member",
    "guest",
    "viewer",
    "customer",
    "authenticated",
    "default",
    "basic",
];

impl<'a> Reader<'_, 'a> {
    /// What a denial under these conditions asks of those who pass.
    pub(super) fn asked(&mut self, conditions: &[Condition<'a>], status: u16) -> Strength {
        let mut needs = Vec::new();
        let mut foreign = false;
        for condition in conditions {
            match self.taint.bearing(condition.test, condition.holds) {
                Bearing::Absent | Bearing::Present => {}
                Bearing::Configured | Bearing::Shape if condition.early => {}
                _ => match self.need(condition.test, condition.holds, status) {
                    Some(need) => needs.push(need),
                    None => foreign = true,
                },
            }
        }
        // It takes all conditions to be denied, so it takes one of them to pass.
        if foreign || needs.is_empty() {
            return Strength::default();
        }
        if needs.len() == 1 {
            return strength(&needs.remove(0));
        }
        let any: BTreeSet<Asked> = needs
            .into_iter()
            .flat_map(|need| need.groups)
            .flatten()
            .collect();
        strength(&Need { groups: vec![any] })
    }

    fn need(&mut self, test: &'a Expr, holds: bool, status: u16) -> Option<Need> {
        match test {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                self.need(&unary.operand, !holds, status)
            }
            Expr::Named(named) => self.need(&named.value, holds, status),
            Expr::Await(inner) => self.need(&inner.value, holds, status),
            Expr::BoolOp(several) if (several.op == BoolOp::Or) == holds => {
                // Each of them denies by itself.
                let mut groups = Vec::new();
                for value in &several.values {
                    groups.extend(
                        self.need(value, holds, status)
                            .into_iter()
                            .flat_map(|need| need.groups),
                    );
                }
                (!groups.is_empty()).then_some(Need { groups })
            }
            Expr::BoolOp(several) => {
                let mut found: Vec<Need> = Vec::new();
                for value in &several.values {
                    if matches!(
                        self.taint.bearing(value, holds),
                        Bearing::Present | Bearing::Absent
                    ) {
                        continue;
                    }
                    found.push(self.need(value, holds, status)?);
                }
                match found.len() {
                    0 => None,
                    1 => found.pop(),
                    _ => Some(Need {
                        groups: vec![
                            found
                                .into_iter()
                                .flat_map(|need| need.groups)
                                .flatten()
                                .collect(),
                        ],
                    }),
                }
            }
            Expr::Compare(compare) => {
                let ([op], [right]) = (&*compare.ops, &*compare.comparators) else {
                    return None;
                };
                self.compared(&compare.left, *op, right, holds)
            }
            Expr::Call(call) => self.called(test, call, holds, status),
            Expr::Attribute(_) | Expr::Subscript(_) if !holds => {
                let name = data_name(test)?;
                (self.taint.reads(test) && names_privilege(name))
                    .then(|| one(Asked::Role(name.to_owned())))
            }
            _ => None,
        }
    }

    fn compared(
        &mut self,
        left: &'a Expr,
        op: CmpOp,
        right: &'a Expr,
        holds: bool,
    ) -> Option<Need> {
        let denied_when_different = match op {
            CmpOp::NotEq | CmpOp::IsNot | CmpOp::NotIn => holds,
            CmpOp::Eq | CmpOp::Is | CmpOp::In => !holds,
            _ => return None,
        };
        if !denied_when_different {
            return None;
        }
        // `user.is_admin is not True`
        if let (Expr::BooleanLiteral(literal), Some(name)) = (right, data_name(left)) {
            let asks = literal.value && self.taint.reads(left) && names_privilege(name);
            return asks.then(|| one(Asked::Role(name.to_owned())));
        }
        let (data, constant) = if data_name(left).is_some() && self.taint.reads(left) {
            (left, right)
        } else if data_name(right).is_some() && self.taint.reads(right) {
            (right, left)
        } else {
            return None;
        };
        let name = data_name(data)?;
        let constants = self.constants(constant);
        let among = matches!(op, CmpOp::NotIn | CmpOp::In);
        if constants.is_empty() {
            return None;
        }
        if !holds_roles(name) && !constants.iter().all(|constant| is_role_like(constant)) {
            return None;
        }
        let group: BTreeSet<Asked> = constants
            .into_iter()
            .map(|constant| asked_by(name, constant))
            .collect();
        if !among || group.len() == 1 || std::ptr::eq(data, left) {
            return Some(Need {
                groups: vec![group],
            });
        }
        None
    }

    fn called(
        &mut self,
        test: &'a Expr,
        call: &'a ruff_python_ast::ExprCall,
        holds: bool,
        status: u16,
    ) -> Option<Need> {
        if holds {
            return None;
        }
        // `any(role in user.roles for role in ("admin", "owner"))`
        if let (Expr::Name(name), [Expr::Generator(generator)]) =
            (&*call.func, &*call.arguments.args)
            && matches!(name.id.as_str(), "any" | "all")
            && let [comprehension] = &*generator.generators
            && let Expr::Compare(compare) = &*generator.elt
        {
            let data = [
                Some(&*compare.left),
                compare.comparators.first(),
                Some(&comprehension.iter),
            ]
            .into_iter()
            .flatten()
            .find(|side| data_name(side).is_some() && self.taint.reads(side))?;
            let name_of_data = data_name(data)?;
            let mut constants = self.constants(&comprehension.iter);
            if constants.is_empty()
                && let Some(right) = compare.comparators.first()
            {
                constants = self.constants(right);
            }
            if constants.is_empty() || !holds_roles(name_of_data) {
                return None;
            }
            let asked = constants
                .into_iter()
                .map(|constant| asked_by(name_of_data, constant));
            return Some(if name.id == "any" {
                Need {
                    groups: vec![asked.collect()],
                }
            } else {
                Need {
                    groups: asked.map(|asked| BTreeSet::from([asked])).collect(),
                }
            });
        }
        if let Some((base, key)) = key_of_get(test) {
            let asks = self.taint.reads(base) && names_privilege(key);
            return asks.then(|| one(Asked::Role(key.to_owned())));
        }
        // A 403 that asks something about the actor and a constant: `has_permission(user, "users:write")`.
        if status != 403 {
            return None;
        }
        if let Expr::Attribute(method) = &*call.func
            && matches!(
                method.attr.as_str(),
                "startswith"
                    | "endswith"
                    | "split"
                    | "strip"
                    | "lower"
                    | "encode"
                    | "compare_digest"
            )
        {
            return None;
        }
        let about_actor = self.taint.reads(test);
        let mut constant = false;
        let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
        for argument in call.arguments.args.iter().chain(keywords) {
            constant |= !self.taint.touches(argument) && !self.constants(argument).is_empty();
        }
        let range = test.range();
        let source = self
            .interpreter
            .source_of(Spot::new(self.scope.module, range));
        (about_actor && constant).then(|| one(Asked::More(source)))
    }

    /// The texts that an expression stands for.
    fn constants(&mut self, expression: &'a Expr) -> Vec<String> {
        match expression {
            Expr::Set(set) => {
                return set
                    .elts
                    .iter()
                    .flat_map(|item| self.constants(item))
                    .collect();
            }
            Expr::Tuple(tuple) => {
                return tuple
                    .elts
                    .iter()
                    .flat_map(|item| self.constants(item))
                    .collect();
            }
            Expr::List(list) => {
                return list
                    .elts
                    .iter()
                    .flat_map(|item| self.constants(item))
                    .collect();
            }
            _ => {}
        }
        if let Some(text) = text(expression) {
            return vec![text.to_owned()];
        }
        let value = self.interpreter.evaluate(expression, self.scope);
        let known = texts(&value, self.bindings);
        if !known.is_empty() {
            return known;
        }
        // A member of an enumeration: `Role.ADMIN`, `Role.ADMIN.value`.
        if let Expr::Attribute(attribute) = expression {
            let name = attribute.attr.as_str();
            if name == "value" || name == "name" {
                return self.constants(&attribute.value);
            }
            if name.len() > 1 && !name.chars().any(char::is_lowercase) {
                return vec![name.to_lowercase()];
            }
        }
        Vec::new()
    }
}

fn texts(value: &Value<'_>, bindings: &Names<'_>) -> Vec<String> {
    match value {
        Value::Str(text) if !text.contains('<') => vec![text.to_string()],
        Value::Sequence(sequence) => sequence
            .items
            .borrow()
            .iter()
            .flat_map(|item| texts(item, bindings))
            .collect(),
        Value::Parameter(parameter) => {
            bindings
                .get(&parameter.name)
                .map_or_else(Vec::new, |bound| match bound {
                    Value::Parameter(_) => Vec::new(),
                    bound => texts(bound, bindings),
                })
        }
        Value::External(path) => path
            .rsplit('.')
            .next()
            .filter(|last| last.len() > 1 && !last.chars().any(char::is_lowercase))
            .map(str::to_lowercase)
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// The name of the attribute or item: `user.role`, `claims["role"]`, `claims.get("role")`.
fn data_name(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Attribute(attribute) => match attribute.attr.as_str() {
            "value" | "name" => data_name(&attribute.value).or(Some(attribute.attr.as_str())),
            name => Some(name),
        },
        Expr::Subscript(subscript) => text(&subscript.slice),
        Expr::Call(call) => {
            if let Some((_, key)) = key_of_get(expression) {
                return Some(key);
            }
            match (&*call.func, &*call.arguments.args) {
                (Expr::Name(name), [_, Expr::StringLiteral(key), ..]) if name.id == "getattr" => {
                    Some(key.value.to_str())
                }
                (Expr::Name(name), [inner, ..])
                    if matches!(name.id.as_str(), "set" | "list" | "frozenset") =>
                {
                    data_name(inner)
                }
                (Expr::Attribute(method), _)
                    if matches!(method.attr.as_str(), "lower" | "split" | "strip" | "upper") =>
                {
                    data_name(&method.value)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an attribute of this name holds roles, groups, scopes or the like.
fn holds_roles(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "role",
        "group",
        "permission",
        "scope",
        "privilege",
        "authorit",
        "access_level",
        "user_type",
        "scp",
    ]
    .iter()
    .any(|part| name.contains(part))
}

/// Whether a flag of this name is a privilege.
fn names_privilege(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "superuser",
        "admin",
        "staff",
        "root",
        "owner",
        "moderator",
        "operator",
        "privileged",
        "manager",
    ]
    .iter()
    .any(|part| name.split('_').any(|word| word == *part))
        || name == "issuperuser"
        || name == "isadmin"
}

fn is_role_like(constant: &str) -> bool {
    names_privilege(&constant.replace(['-', ':', ' '], "_"))
}

fn asked_by(attribute: &str, constant: String) -> Asked {
    let attribute = attribute.to_ascii_lowercase();
    if ["scope", "permission", "scp"]
        .iter()
        .any(|part| attribute.contains(part))
    {
        Asked::Scope(constant)
    } else {
        Asked::Role(constant)
    }
}

fn one(asked: Asked) -> Need {
    Need {
        groups: vec![BTreeSet::from([asked])],
    }
}

fn strength(need: &Need) -> Strength {
    let mut strength = Strength {
        level: Level::User,
        ..Strength::default()
    };
    for group in &need.groups {
        let ordinary = group.iter().any(|asked| match asked {
            Asked::Role(role) => ORDINARY.contains(&role.to_lowercase().as_str()),
            Asked::Scope(scope) => is_everyday_scope(scope),
            Asked::More(_) => false,
        });
        if !ordinary {
            strength.level = Level::Privileged;
        }
        if let [only] = group.iter().collect::<Vec<_>>()[..] {
            match only {
                Asked::Role(role) => strength.roles.insert(role.clone()),
                Asked::Scope(scope) => strength.scopes.insert(scope.clone()),
                Asked::More(more) => strength.more.insert(more.clone()),
            };
        } else {
            let each = group.iter().map(|asked| match asked {
                Asked::Role(role) => format!("role:{role}"),
                Asked::Scope(scope) => format!("scope:{scope}"),
                Asked::More(more) => more.clone(),
            });
            let each: BTreeSet<String> = each.collect();
            strength
                .any_of
                .insert(each.into_iter().collect::<Vec<_>>().join("|"));
        }
    }
    strength
}

/// A text for a spot, for those who hold only an [`Rc`].
pub(super) fn source<'a>(
    interpreter: &Interpreter<'a>,
    scope: &Scope<'a>,
    expression: &Expr,
) -> Rc<str> {
    interpreter
        .source_of(Spot::new(scope.module, expression.range()))
        .into()
}
