//! Policies from their text to their verdicts.

mod deciding;
mod finding;
mod keys;
mod page;
mod soup;
mod timing;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use sealgate_model::{Actor, Agent, Machine, Timestamp, User};

use super::*;

/// The moment of all questions here.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_795_338_305);

pub(super) const DECLARED: &str = r#"
    [policy]
    roles = ["approver", "employee", "auditor"]

    [policy.actions]
    "expenses.list" = {}
    "expenses.write" = {}
    "expenses.approve" = { in = ["expenses.write"], actors = ["User", "Agent"], context = { "reason?" = "String" } }

    [policy.resource.Project]
    attributes = { lead = "User" }
    parents = ["Tenant"]

    [policy.resource.Expense]
    parents = ["Project", "Tenant"]
    actions = ["expenses.read", "expenses.approve"]
    [policy.resource.Expense.attributes]
    owner = "User"
    amount = "decimal"
    "project?" = "Project"
    "tags?" = "Set<String>"
    "paid_at?" = "datetime"
    "place?" = { city = "String", "network?" = "ipaddr" }
"#;

pub(super) const POLICIES: &str = r#"
// Who may do what with expenses.
@id("employees-list")
permit (principal in Role::"employee", action == Action::"expenses.list", resource);

@id("own-read")
permit (principal is User, action == Action::"expenses.read", resource)
when { resource.owner == principal };

@id("approvers-approve")
permit (principal in Role::"approver", action in Action::"expenses.write", resource is Expense)
when { resource.amount.lessThan(decimal("1000.0")) };

@id("lead-approves")
permit (principal is User, action == Action::"expenses.approve", resource is Expense)
when { resource has project && resource.project.lead == principal };

@id("never-own")
forbid (principal, action == Action::"expenses.approve", resource is Expense)
when { principal is User && resource.owner == principal };

@id("agents-for-people")
permit (principal is Agent, action == Action::"expenses.read", resource is Expense)
when { principal has user && principal.user == resource.owner && principal.scopes.contains("expenses:read") };
"#;

pub(super) fn source_of(declared: &str, policies: &str) -> PolicySource {
    let declared = read(&declared.parse().unwrap()).unwrap();
    let files = BTreeMap::from([("policies/expenses.cedar".to_owned(), policies.to_owned())]);
    declared.with(files, &BTreeMap::new()).unwrap()
}

pub(super) static COMPILED: LazyLock<Policies> =
    LazyLock::new(|| Policies::compile(&source_of(DECLARED, POLICIES)).unwrap());

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) fn user(id: &str, roles: &[&str]) -> Principal {
    let user = User {
        id: id.to_owned(),
        roles: names(roles),
        tenant: Some("acme".to_owned()),
        ..User::default()
    };
    Principal::new(Arc::new(Actor::User(user)), None)
}

pub(super) fn machine(id: &str, roles: &[&str]) -> Principal {
    let machine = Machine {
        id: id.to_owned(),
        client: id.to_owned(),
        roles: names(roles),
        ..Machine::default()
    };
    Principal::new(Arc::new(Actor::Machine(machine)), None)
}

pub(super) fn agent(id: &str, user: Option<&str>, scopes: &[&str]) -> Principal {
    let user = user.map(|id| {
        Box::new(User {
            id: id.to_owned(),
            ..User::default()
        })
    });
    let agent = Agent {
        id: id.to_owned(),
        scopes: names(scopes),
        user,
        ..Agent::default()
    };
    Principal::new(Arc::new(Actor::Agent(agent)), None)
}

pub(super) fn expense(id: &str, owner: &str, amount: &str) -> Resource {
    Resource {
        attributes: BTreeMap::from([
            ("owner".to_owned(), Value::Text(owner.to_owned())),
            ("amount".to_owned(), Value::Decimal(amount.to_owned())),
        ]),
        ..Resource::new("Expense", id)
    }
}

pub(super) static NOTHING: BTreeMap<String, Value> = BTreeMap::new();

pub(super) fn question<'a>(
    principal: &'a Principal,
    action: &'a str,
    resource: &'a Resource,
) -> Question<'a> {
    Question {
        principal,
        action,
        resource,
        context: &NOTHING,
        credential: "session",
        issuer: "https://id.example",
        now: NOW,
    }
}
