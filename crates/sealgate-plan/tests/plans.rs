//! What people read of realistic changes. Whoever reads one of these can say what would change.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use sealgate_plan::{
    Around, Declaration, Moment, Others, Paint, Plan, PlanError, State, drift, plan, read, render,
    render_changes,
};

const AROUND: Around = Around {
    access: 300,
    session: 86_400,
    rotate_every: 90 * 86_400,
    now: Moment(1_795_338_305_000),
};

/// Clients, a service account and a resource of a company.
const BASE: &str = r#"
[client.expenses]
name = "Expense tracker"
kind = "confidential"
redirect_uris = ["https://expenses.example.com/auth/callback"]
logout_uris = ["https://expenses.example.com/"]
scopes = ["expenses:read", "expenses:write"]
resources = ["https://expenses.example.com/api"]
require_pushed = true
require_dpop = true
authentication = "private_key_jwt"
jwks_uri = "https://expenses.example.com/jwks.json"

[client.reports]
name = "Reports"
kind = "public"
redirect_uris = ["https://reports.example.com/cb"]
scopes = ["expenses:read"]

[machine.importer]
owner = "finance@example.com"
purpose = "imports card expenses"
expires_at = 2027-01-31
scopes = ["expenses:write"]
resources = ["https://expenses.example.com/api"]

[resource."https://expenses.example.com/api"]
name = "Expenses"
client = "expenses"
scopes = { "expenses:read" = "See your expenses", "expenses:write" = "File expenses for you" }

[role.accountant]
description = "Books expenses"

[scope."expenses:read"]
description = "See your expenses"

[keys.EdDSA]
rotate_every = "30d"
"#;

fn declared(text: &str) -> Declaration {
    with_policies(text, &[])
}

fn with_policies(text: &str, files: &[(&str, &str)]) -> Declaration {
    let draft = read(text, "sealgate-state.toml", &[]).unwrap();
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    draft.with(files.collect(), &BTreeMap::new()).unwrap()
}

fn changed(from: &str, to: &str) -> Declaration {
    let text = BASE.replace(from, to);
    assert_ne!(text, BASE, "{from}");
    declared(&text)
}

fn planned(declaration: &Declaration) -> Plan {
    let base = declared(BASE).state;
    plan(declaration, &base, Some(&base), &Others::new(), &AROUND).unwrap()
}

fn text(declaration: &Declaration) -> String {
    render(&planned(declaration), Paint::Plain)
}

#[test]
fn nothing_changes_where_all_is_as_declared() {
    let plan = planned(&declared(BASE));
    assert!(plan.is_empty());
    insta::assert_snapshot!(render(&plan, Paint::Plain));
}

#[test]
fn a_company_begins_with_an_empty_server() {
    let plan = plan(
        &declared(BASE),
        &State::default(),
        None,
        &Others::new(),
        &AROUND,
    );
    insta::assert_snapshot!(render(&plan.unwrap(), Paint::Plain));
}

#[test]
fn a_client_asks_for_a_wider_scope() {
    insta::assert_snapshot!(text(&changed(
        r#"scopes = ["expenses:read"]"#,
        r#"scopes = ["expenses:read", "expenses:approve"]"#
    )));
}

#[test]
fn a_new_public_client_is_added_for_a_mobile_application() {
    let more = format!(
        "{BASE}\n[client.pocket]\nname = \"Expenses in your pocket\"\nkind = \"public\"\n\
         redirect_uris = [\"com.example.expenses:/callback\"]\nscopes = [\"expenses:read\"]\n\
         consent = \"trusted\"\n"
    );
    insta::assert_snapshot!(text(&declared(&more)));
}

#[test]
fn a_redirect_uri_of_a_developers_computer_is_added() {
    insta::assert_snapshot!(text(&changed(
        r#"redirect_uris = ["https://reports.example.com/cb"]"#,
        r#"redirect_uris = ["https://reports.example.com/cb", "https://reports2.example.com/cb", "http://localhost:3000/cb"]"#
    )));
}

#[test]
fn tokens_live_longer_and_are_not_bound_any_more() {
    insta::assert_snapshot!(text(&changed(
        "require_dpop = true\nauthentication = \"private_key_jwt\"\njwks_uri = \"https://expenses.example.com/jwks.json\"",
        "access_lifetime = \"1h\"\nsession_lifetime = \"8h\""
    )));
}

#[test]
fn a_client_is_removed_with_everybody_who_is_signed_in() {
    let start = BASE.find("[client.reports]").unwrap();
    let end = BASE.find("[machine.importer]").unwrap();
    let less = format!("{}{}", &BASE[..start], &BASE[end..]);
    insta::assert_snapshot!(text(&declared(&less)));
}

#[test]
fn a_service_account_goes_on_and_is_vouched_for_by_a_pipeline() {
    insta::assert_snapshot!(text(&changed(
        "expires_at = 2027-01-31",
        "expires_at = 2027-10-31T12:00:00+02:00\nidentities = [{ issuer = \"https://token.actions.githubusercontent.com\", claims = { sub = \"repo:example/expenses:*\" } }]"
    )));
}

#[test]
fn a_resource_is_opened_to_agents_with_a_tool() {
    insta::assert_snapshot!(text(&changed(
        "client = \"expenses\"\n",
        "client = \"expenses\"\nagents = true\ntools = { file_expense = { description = \"File an expense\", scopes = [\"expenses:write\"] } }\n"
    )));
}

#[test]
fn a_client_may_act_for_users_of_another() {
    let text = BASE.replace(
        "require_pushed = true",
        "require_pushed = true\nmay_act = \"assistant\"",
    ) + "\n[client.assistant]\nname = \"Assistant\"\nkind = \"confidential\"\n\
           grants = [\"urn:ietf:params:oauth:grant-type:token-exchange\"]\nagent = true\n";
    insta::assert_snapshot!(self::text(&declared(&text)));
}

#[test]
fn keys_sign_for_longer_roles_and_words_change() {
    let text = BASE
        .replace("rotate_every = \"30d\"", "rotate_every = \"180d\"")
        .replace("Books expenses", "Books expenses, and closes the month")
        .replace(
            "[scope.\"expenses:read\"]\ndescription = \"See your expenses\"\n",
            "",
        );
    insta::assert_snapshot!(self::text(&declared(&text)));
}

#[test]
fn a_machine_gets_to_administer() {
    insta::assert_snapshot!(text(&changed(
        "scopes = [\"expenses:write\"]\n",
        "scopes = [\"expenses:write\", \"sealgate:users:write\"]\ndisabled = false\n"
    )));
}

const FORBIDDING: &str = r#"
@id("read-own")
permit (principal is User, action == Action::"expenses.read", resource)
when { resource.owner == principal };

@id("never-after-close")
forbid (principal, action == Action::"expenses.approve", resource)
when { resource.closed };
"#;

#[test]
fn policies_permit_more_and_forbid_less() {
    let policy = "[policy]\nfiles = [\"policies/expenses.cedar\"]\n";
    let file = "policies/expenses.cedar";
    let before = with_policies(policy, &[(file, FORBIDDING)]);
    let wider = FORBIDDING
        .replace("\nwhen { resource.owner == principal }", "")
        .split("@id(\"never-after-close\")")
        .next()
        .unwrap()
        .to_owned()
        + "@id(\"approve\")\npermit (principal in Role::\"approver\", action == Action::\"expenses.approve\", resource);\n";
    let after = with_policies(policy, &[(file, &wider)]);
    let plan = plan(
        &after,
        &before.state,
        Some(&before.state),
        &Others::new(),
        &AROUND,
    );
    insta::assert_snapshot!(render(&plan.unwrap(), Paint::Plain));
}

#[test]
fn a_mapping_gives_administrators() {
    let rule = |group: &str, role: &str| {
        format!(
            "[[mapping]]\nname = \"{group}\"\nwhen = {{ issuer = \"https://idp.example.com\", group = [\"{group}\"] }}\ngive = {{ roles = [\"{role}\"] }}\n"
        )
    };
    let before = declared(&rule("finance", "accountant"));
    let after = declared(&(rule("finance", "accountant") + &rule("platform", "admin")));
    let plan = plan(
        &after,
        &before.state,
        Some(&before.state),
        &Others::new(),
        &AROUND,
    );
    insta::assert_snapshot!(render(&plan.unwrap(), Paint::Plain));
}

#[test]
fn what_is_not_declared_is_left_alone_unless_it_is_pruned() {
    let mut there = declared(BASE).state;
    let mut little = declared("[role.accountant]\ndescription = \"Books expenses\"\n");
    let left = plan(&little, &there, None, &Others::new(), &AROUND).unwrap();
    assert!(left.is_empty());
    insta::assert_snapshot!(render(&left, Paint::Plain));
    little.prune = true;
    let pruned = plan(&little, &there, None, &Others::new(), &AROUND).unwrap();
    assert_eq!(pruned.summary().remove, 6);
    // What another declaration has is not pruned by this one.
    let other = State {
        client: there.client.clone(),
        ..State::default()
    };
    let others = Others::from([("other".to_owned(), other)]);
    let pruned = plan(&little, &there, None, &others, &AROUND).unwrap();
    assert_eq!(pruned.summary().remove, 4);
    there.policy = Some(sealgate_plan::Policy::default());
    let pruned = plan(&little, &there, None, &others, &AROUND).unwrap();
    assert_eq!(
        pruned.summary().remove,
        4,
        "an empty policy takes nothing away"
    );
}

#[test]
fn what_was_changed_outside_the_file_is_drift() {
    let last = declared(BASE).state;
    let mut there = last.clone();
    there.client.remove("reports");
    let expenses = there.client.get_mut("expenses").unwrap();
    expenses.scopes.push("expenses:approve".to_owned());
    // Nobody declared these keys, and nobody declared this client.
    expenses.jwks = None;
    there.machine.get_mut("importer").unwrap().jwks = Some(serde_json::json!({ "keys": [] }));
    let more = declared(
        "[client.own]\nname = \"Own\"\nkind = \"public\"\nredirect_uris = [\"https://o.example/cb\"]\n",
    );
    there.client.extend(more.state.client);
    let found = drift(&last, &there, &AROUND);
    insta::assert_snapshot!(render_changes(&found, Paint::Plain));
    assert!(drift(&last, &last, &AROUND).is_empty());
}

#[test]
fn an_expired_machine_is_no_drift() {
    let last = declared(&BASE.replace("2027-01-31", "2026-01-31")).state;
    let mut there = last.clone();
    there.machine.get_mut("importer").unwrap().disabled = true;
    assert!(drift(&last, &there, &AROUND).is_empty());
    there.machine.get_mut("importer").unwrap().owner = "x".to_owned();
    assert_eq!(drift(&last, &there, &AROUND).len(), 1);
}

#[test]
fn contradictions_are_refused() {
    let base = declared(BASE).state;
    let of = |text: &str, others: &Others| plan(&declared(text), &base, None, others, &AROUND);
    let kind = of(
        "[client.expenses]\nname = \"E\"\nkind = \"public\"\nredirect_uris = [\"https://e.example/cb\"]\n",
        &Others::new(),
    );
    assert_eq!(
        kind.unwrap_err(),
        PlanError::KindChanged("expenses".to_owned())
    );
    let crossed = of(
        "[client.importer]\nname = \"I\"\nkind = \"public\"\n",
        &Others::new(),
    );
    assert_eq!(crossed.unwrap_err().code(), "declared_crossed");
    let others = Others::from([("finance".to_owned(), base.clone())]);
    let twice = of("[role.accountant]\ndescription = \"x\"\n", &others);
    assert_eq!(
        twice.unwrap_err().to_string(),
        "role \"accountant\" is declared in \"finance\" already: two declarations would undo each other"
    );
}

#[test]
fn what_is_painted_says_the_same_without_colour() {
    let plan = planned(&changed("Books expenses", "Books\u{202e} [2Jexpenses"));
    let (bare_text, colour) = (render(&plan, Paint::Plain), render(&plan, Paint::Colour));
    assert!(
        bare_text.contains(r"Books\u{202e} [2Jexpenses"),
        "{bare_text}"
    );
    assert!(!bare_text.contains('\u{1b}'));
    let mut bare = colour.clone();
    for code in ["31", "32", "33", "35", "0"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_ne!(bare_text, colour);
    assert_eq!(bare_text, bare);
}
