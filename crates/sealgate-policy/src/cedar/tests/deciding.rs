//! Verdicts.

use super::*;

fn allowed(principal: &Principal, action: &str, resource: &Resource) -> bool {
    COMPILED
        .decide(&question(principal, action, resource))
        .unwrap()
        .allowed
}

fn refused(principal: &Principal, action: &str, resource: &Resource) -> QuestionError {
    COMPILED
        .decide(&question(principal, action, resource))
        .unwrap_err()
}

#[test]
fn a_role_a_condition_and_a_route_decide() {
    let list = Resource::route("GET /expenses");
    assert!(allowed(&user("u1", &["employee"]), "expenses.list", &list));
    assert!(!allowed(&user("u1", &[]), "expenses.list", &list));
    let small = expense("e1", "u2", "999.99");
    assert!(allowed(
        &user("u1", &["approver"]),
        "expenses.approve",
        &small
    ));
    let large = expense("e1", "u2", "1000");
    assert!(!allowed(
        &user("u1", &["approver"]),
        "expenses.approve",
        &large
    ));
    assert!(allowed(&user("u2", &[]), "expenses.read", &large));
    assert!(!allowed(&user("u1", &[]), "expenses.read", &large));
}

#[test]
fn one_forbid_wins_over_all_permits() {
    let own = expense("e1", "u1", "1");
    let verdict = COMPILED
        .decide(&question(
            &user("u1", &["approver"]),
            "expenses.approve",
            &own,
        ))
        .unwrap();
    assert!(!verdict.allowed);
    assert_eq!(verdict.determining, ["never-own"]);
}

#[test]
fn an_agent_may_what_its_user_and_its_scopes_permit_together() {
    let expense = expense("e1", "u1", "1");
    let asks = |principal: &Principal| allowed(principal, "expenses.read", &expense);
    assert!(asks(&agent("a", Some("u1"), &["expenses:read"])));
    assert!(!asks(&agent("a", Some("u2"), &["expenses:read"])));
    assert!(!asks(&agent("a", Some("u1"), &[])));
    assert!(!asks(&agent("a", None, &["expenses:read"])));
}

#[test]
fn what_lies_behind_a_reference_is_told_or_denies() {
    let mut told = expense("e1", "u2", "5000.0");
    let mut project = Resource::new("Project", "p1");
    told.attributes
        .insert("project".to_owned(), Value::Entity(project.clone()));
    // A mere reference: who leads it is not known, and a policy that asks cannot be evaluated.
    let verdict = COMPILED
        .decide(&question(&user("u1", &[]), "expenses.approve", &told))
        .unwrap();
    assert!(!verdict.allowed);
    assert_eq!(verdict.errors[0].policy, "lead-approves");
    let lead = Value::Text("u1".to_owned());
    project.attributes.insert("lead".to_owned(), lead);
    told.attributes
        .insert("project".to_owned(), Value::Entity(project));
    assert!(allowed(&user("u1", &[]), "expenses.approve", &told));
}

#[test]
fn an_error_of_one_policy_denies_what_another_permits() {
    let mut told = expense("e1", "u2", "1");
    let reference = Value::Text("p1".to_owned());
    told.attributes.insert("project".to_owned(), reference);
    let verdict = COMPILED
        .decide(&question(
            &user("u1", &["approver"]),
            "expenses.approve",
            &told,
        ))
        .unwrap();
    assert_eq!(verdict.determining, ["approvers-approve"]);
    assert!(!verdict.allowed && !verdict.errors.is_empty());
}

#[test]
fn a_question_that_does_not_fit_what_is_declared_is_refused_before_any_policy() {
    let expense = expense("e1", "u1", "1");
    let u1 = user("u1", &["approver"]);
    let code = |error: QuestionError| error.code();
    assert_eq!(
        code(refused(&u1, "expenses.burn", &expense)),
        "policy_action_unknown"
    );
    // A group of actions is none.
    assert_eq!(
        code(refused(&u1, "expenses.write", &expense)),
        "policy_action_unknown"
    );
    let robot = machine("m", &["approver"]);
    assert_eq!(
        code(refused(&robot, "expenses.approve", &expense)),
        "policy_actor_wrong"
    );
    let route = Resource::route("GET /expenses");
    assert_eq!(
        code(refused(&u1, "expenses.read", &route)),
        "policy_resource_wrong"
    );
    let role = Resource::new("Role", "approver");
    assert_eq!(
        code(refused(&u1, "expenses.read", &role)),
        "policy_resource_wrong"
    );
}

#[test]
fn attributes_are_of_their_declared_types_or_nobody_may() {
    let text = |text: &str| Value::Text(text.to_owned());
    let entity = |kind: &str| Value::Entity(Resource::new(kind, "x"));
    let cases = [
        ("owner", Value::Long(1)),
        ("owner", entity("Project")),
        ("amount", text("1.0")),
        ("amount", Value::Decimal("1.23456".to_owned())),
        ("amount", Value::Bool(true)),
        ("tags", text("a")),
        ("tags", Value::Set(vec![text("a"), Value::Long(1)])),
        ("paid_at", text("2026-11-22")),
        ("paid_at", Value::Moment(i64::MAX)),
        ("place", Value::Record(BTreeMap::new())),
        (
            "place",
            Value::Record(BTreeMap::from([
                ("city".to_owned(), text("Bern")),
                ("network".to_owned(), text("10.0.0")),
            ])),
        ),
        ("colour", text("red")),
    ];
    for (name, value) in cases {
        let mut told = expense("e1", "u1", "1");
        told.attributes.insert(name.to_owned(), value.clone());
        let error = refused(&user("u1", &[]), "expenses.read", &told);
        assert_eq!(
            error.code(),
            "policy_attribute_wrong",
            "{name} {value:?}: {error}"
        );
    }
    let mut told = expense("e1", "u1", "1");
    told.attributes.remove("amount");
    let error = refused(&user("u1", &[]), "expenses.read", &told);
    assert_eq!(error, QuestionError::Missing("resource.amount".to_owned()));
    // What an action is told beside the resource is declared too.
    let context = BTreeMap::from([("reason".to_owned(), Value::Long(1))]);
    let u1 = user("u1", &[]);
    let expense = expense("e1", "u1", "1");
    let asked = Question {
        context: &context,
        ..question(&u1, "expenses.approve", &expense)
    };
    assert_eq!(
        COMPILED.decide(&asked).unwrap_err().code(),
        "policy_attribute_wrong"
    );
}

#[test]
fn an_application_cannot_tell_what_an_actor_is() {
    // It would make the user an approver by the back door.
    let mut told = expense("e1", "u1", "1");
    let mut owner = Resource::new("User", "u1");
    owner.parents.push(Resource::new("Role", "approver"));
    told.attributes
        .insert("owner".to_owned(), Value::Entity(owner));
    let error = refused(&user("u1", &[]), "expenses.read", &told);
    assert_eq!(error.code(), "policy_resource_wrong");
    told.attributes.insert(
        "owner".to_owned(),
        Value::Entity(Resource::new("User", "u1")),
    );
    assert!(allowed(&user("u1", &[]), "expenses.read", &told));
    told.parents.push(Resource::new("Role", "approver"));
    assert_eq!(
        refused(&user("u1", &[]), "expenses.read", &told).code(),
        "policy_attribute_wrong"
    );
}

#[test]
fn the_same_id_of_another_issuer_is_somebody_else() {
    let Actor::User(local) = user("u1", &[]).actor().clone() else {
        unreachable!()
    };
    let foreign = Principal::new(Arc::new(Actor::User(local)), Some("https://other.example"));
    let expense = expense("e1", "u1", "1");
    assert!(!allowed(&foreign, "expenses.read", &expense));
    let theirs = super::expense("e1", &foreign.qualified("u1"), "1");
    assert!(allowed(&foreign, "expenses.read", &theirs));
}

/// A partner's issuer may call its organisations whatever it likes, as one of ours is called too.
#[test]
fn an_organisation_of_another_issuer_is_none_of_ours() {
    let policies = "@id(\"a\") permit (principal in Tenant::\"acme\", action, resource);
        @id(\"b\") permit (principal, action, resource) when { principal has tenant && principal.tenant == Tenant::\"acme\" };
        @id(\"c\") permit (principal in Tenant::\"https://other.example#beta\", action, resource);";
    let policies = Policies::compile(&source_of(DECLARED, policies)).unwrap();
    let allowed = |tenant: &str, foreign: Option<&str>| {
        let user = User {
            id: "u1".to_owned(),
            tenant: Some(tenant.to_owned()),
            ..User::default()
        };
        let principal = Principal::new(Arc::new(Actor::User(user)), foreign);
        let list = Resource::route("GET /expenses");
        let asked = question(&principal, "expenses.list", &list);
        policies.decide(&asked).unwrap().allowed
    };
    assert!(allowed("acme", None));
    assert!(!allowed("acme", Some("https://other.example")));
    assert!(!allowed("beta", None));
    assert!(allowed("beta", Some("https://other.example")));
}

#[test]
fn two_things_cannot_be_told_of_one_resource() {
    let mut told = expense("e1", "u1", "1");
    let mut project = Resource::new("Project", "p1");
    project
        .attributes
        .insert("lead".to_owned(), Value::Text("u1".to_owned()));
    let mut other = project.clone();
    other
        .attributes
        .insert("lead".to_owned(), Value::Text("u2".to_owned()));
    told.attributes
        .insert("project".to_owned(), Value::Entity(project.clone()));
    told.parents.push(other);
    let error = refused(&user("u1", &[]), "expenses.read", &told);
    assert_eq!(error.code(), "policy_attribute_wrong");
    told.parents = vec![project];
    assert!(allowed(&user("u1", &[]), "expenses.read", &told));
}

#[test]
fn more_than_is_taken_is_refused() {
    let mut told = expense("e1", "u1", "1");
    let tags = vec![Value::Text("a".to_owned()); 1_001];
    told.attributes.insert("tags".to_owned(), Value::Set(tags));
    let error = refused(&user("u1", &[]), "expenses.read", &told);
    assert_eq!(error.code(), "policy_question_oversize");
    let long = expense(&"x".repeat(20_000), "u1", "1");
    assert_eq!(
        refused(&user("u1", &[]), "expenses.read", &long).code(),
        "policy_question_oversize"
    );
}

#[test]
fn an_explanation_names_what_decided_and_why_others_did_not() {
    let small = expense("e1", "u1", "1");
    let large = expense("e2", "u2", "5000.0");
    let told = |principal: &Principal, action: &str, resource: &Resource| {
        let asked = question(principal, action, resource);
        explained(&COMPILED.explain(&asked).unwrap(), false)
    };
    let mut text = told(&user("u1", &["approver"]), "expenses.approve", &small);
    text += "----\n";
    text += &told(&user("u1", &["approver"]), "expenses.approve", &large);
    text += "----\n";
    text += &told(&agent("a1", Some("u1"), &[]), "expenses.read", &small);
    text += "----\n";
    let asked = question(&COMPILED_USER, "expenses.list", &LIST);
    text += &explained(&COMPILED.explain(&asked).unwrap(), true);
    insta::assert_snapshot!(text);
}

static COMPILED_USER: LazyLock<Principal> = LazyLock::new(|| user("u1", &["employee"]));
static LIST: LazyLock<Resource> = LazyLock::new(|| Resource::route("GET /expenses"));
