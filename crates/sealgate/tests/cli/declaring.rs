//! What is declared in a file, by command: planned, applied, exported, and found changed.

use serde_json::{Value, json};

use crate::harness::Home;

const STATE: &str = r#"
[client.expenses]
name = "Expense tracker"
kind = "confidential"
redirect_uris = ["https://expenses.example.com/auth/callback"]
scopes = ["expenses:read"]
resources = ["https://expenses.example.com/api"]

[machine.importer]
owner = "finance@example.com"
purpose = "imports card expenses"
expires_at = 2027-06-30
scopes = ["expenses:write"]
resources = ["https://expenses.example.com/api"]

[resource."https://expenses.example.com/api"]
name = "Expenses"
client = "expenses"
scopes = { "expenses:read" = "See your expenses", "expenses:write" = "File expenses" }

[role.accountant]
description = "Books expenses"

[keys.EdDSA]
rotate_every = "30d"
"#;

#[test]
fn a_file_is_planned_applied_exported_and_found_changed() {
    let home = Home::new();
    let _server = home.serve(&[]);
    let file = home.write("state.toml", STATE);
    let file = file.to_str().unwrap();
    let plan = home.run(&["plan", file, "--check"]);
    assert_eq!(plan.status, 1, "{}", plan.stderr);
    assert!(
        plan.stdout.starts_with("5 to create; no risks.\n"),
        "{}",
        plan.stdout
    );
    assert!(
        plan.stdout.contains("+ create machine \"importer\""),
        "{}",
        plan.stdout
    );
    assert!(!plan.stdout.contains('\u{1b}'));

    // Nobody can be asked here.
    let unasked = home.run(&["apply", file]);
    assert_eq!(unasked.status, 2);
    assert!(
        unasked.stderr.contains("(confirmation_missing)"),
        "{}",
        unasked.stderr
    );
    let done = home.run(&["apply", file, "--yes"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(
        done.stdout
            .contains("Applied: 5 created, 0 changed, 0 removed."),
        "{}",
        done.stdout
    );
    let secret = done
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("expenses "));
    let secret = secret.unwrap().to_owned();
    assert!(secret.len() > 20 && done.stderr.contains("not shown again"));

    let none = home.run(&["plan", file, "--check"]);
    assert_eq!(none.status, 0, "{}", none.stdout);
    assert!(
        none.stdout.starts_with("Nothing would change"),
        "{}",
        none.stdout
    );
    let quiet = home.run(&["plan", "--drift"]);
    assert_eq!(quiet.status, 0, "{}", quiet.stderr);
    assert!(
        quiet.stdout.contains("Nothing of it was changed since."),
        "{}",
        quiet.stdout
    );

    home.json(&["client", "update", "expenses", "--access-lifetime", "600"]);
    let drift = home.run(&["plan", file, "--drift"]);
    assert_eq!(drift.status, 1);
    for said in [
        "1 thing was changed outside the file",
        "access_lifetime",
        "by operator at ",
        "client.update, record ",
    ] {
        assert!(drift.stdout.contains(said), "{said}: {}", drift.stdout);
    }
    let told = home.run(&["--json", "plan", "--drift"]);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        (&told["drift"], &told["things"][0]["by"]["actor"]),
        (&json!(true), &json!("operator"))
    );

    let folder = home.data().with_file_name("exported");
    let folder = folder.to_str().unwrap();
    let exported = home.run(&["export", "--folder", folder]);
    assert_eq!(exported.status, 0, "{}", exported.stderr);
    let written = exported.stdout.trim();
    assert!(!std::fs::read_to_string(written).unwrap().contains(&secret));
    let same = home.run(&["plan", written, "--check"]);
    assert_eq!(same.status, 0, "{}{}", same.stdout, same.stderr);
    let again = home.run(&["export", "--folder", folder]);
    assert!(again.stderr.contains("(file_exists)"), "{}", again.stderr);
}

#[test]
fn a_kept_plan_is_done_as_it_was_looked_at_or_not_at_all() {
    let home = Home::new();
    let _server = home.serve(&[]);
    let file = home.write("state.toml", STATE);
    let file = file.to_str().unwrap();
    let kept = home.data().with_file_name("plan.json");
    let kept = kept.to_str().unwrap();
    assert_eq!(home.run(&["plan", file, "--out", kept]).status, 0);
    // What the file says by then is nothing to it.
    home.write("state.toml", "[role.other]\ndescription = 'x'\n");
    let done = home.run(&["apply", kept, "--yes"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(done.stdout.contains("5 created"), "{}", done.stdout);
    let again = home.run(&["apply", kept, "--yes"]);
    assert_eq!(again.status, 1);
    assert!(again.stderr.contains("(state_changed)"), "{}", again.stderr);
    let broken = home.write("plan.json", "{\"sealgate_plan\": 1}");
    let broken = home.run(&["apply", broken.to_str().unwrap(), "--yes"]);
    assert!(
        broken.stderr.contains("(plan_unreadable)"),
        "{}",
        broken.stderr
    );
}

#[test]
fn high_risks_are_agreed_to_by_name_and_removals_end_what_there_is() {
    let home = Home::new();
    let _server = home.serve(&[]);
    let file = home.write("state.toml", STATE);
    let file = file.to_str().unwrap();
    assert_eq!(home.run(&["apply", file, "--yes"]).status, 0);
    let less = STATE.replace("client = \"expenses\"\n", "");
    let start = less.find("[client.expenses]").unwrap();
    let end = less.find("[machine.importer]").unwrap();
    home.write("state.toml", &format!("{}{}", &less[..start], &less[end..]));
    let refused = home.run(&["apply", file, "--yes"]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("ends_access"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("hint: look at the plan"),
        "{}",
        refused.stderr
    );
    let unknown = home.run(&["apply", file, "--yes", "--accept-risk", "everything"]);
    assert_eq!(unknown.status, 2);
    let done = home.run(&[
        "apply",
        file,
        "--yes",
        "--accept-risk",
        "ends_access",
        "--wait=1",
    ]);
    // It is done; a server that has just started knows of no gate yet.
    assert_eq!(done.status, 4, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("Not proven yet"), "{}", done.stdout);
    assert!(
        done.stdout.contains("1 changed, 1 removed"),
        "{}",
        done.stdout
    );
    let clients = home.json(&["client", "list"]);
    let ids: Vec<&str> = clients
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["importer"]);
    let records = home.json(&["audit", "list", "--action", "state.apply"]);
    assert_eq!(records.as_array().unwrap().len(), 2);
}

#[test]
fn what_is_declared_may_stand_in_the_settings_file() {
    let home = Home::new();
    let text = format!("[lifetimes]\naccess = \"4m\"\n[keys]\nml_dsa = true\n{STATE}");
    let file = home.write("sealgate.toml", &text);
    let file = file.to_str().unwrap();
    let server = home.serve(&["--config", file]);
    let shown = home.json(&["settings", "--config", file]);
    assert!(shown.to_string().contains("4m"), "{shown}");
    // Nothing is declared until it is applied.
    assert_eq!(home.json(&["client", "list"]), json!([]));
    let done = home.run(&["apply", file, "--yes"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert_eq!(server.terminate().status, 0);
    // Without a server, too.
    let again = home.run(&["plan", file, "--check"]);
    assert_eq!(again.status, 0, "{}{}", again.stdout, again.stderr);
    let wrong = home.write("wrong.toml", &format!("{STATE}\n[clients.x]\nname = 'X'\n"));
    let wrong = home.run(&["plan", wrong.to_str().unwrap()]);
    assert_eq!(wrong.status, 2);
    assert!(
        wrong
            .stderr
            .contains("wrong.toml:27:2: there is no table \"clients\"; did you mean client?"),
        "{}",
        wrong.stderr
    );
    assert!(
        wrong.stderr.contains("(declaration_unknown)"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn policies_are_read_from_the_files_that_are_named() {
    let home = Home::new();
    let _server = home.serve(&[]);
    let folder = home.data().with_file_name("policies");
    std::fs::create_dir(&folder).unwrap();
    let policy = "@id(\"all\")\npermit (principal is User, action, resource);\n";
    std::fs::write(folder.join("all.cedar"), policy).unwrap();
    let text =
        "[policy]\nfiles = [\"policies/*.cedar\"]\n[policy.actions]\n\"expenses.read\" = {}\n";
    let file = home.write("state.toml", text);
    let file = file.to_str().unwrap();
    let plan = home.run(&["plan", file]);
    assert!(
        plan.stdout
            .contains("! risk policy_permits: The policy \"all\" is new and permits."),
        "{}{}",
        plan.stdout,
        plan.stderr
    );
    let done = home.run(&["apply", file, "--yes"]);
    assert_eq!(done.status, 0, "{}{}", done.stdout, done.stderr);
    assert!(
        done.stdout.contains("version 1 of the policies"),
        "{}",
        done.stdout
    );
    let folder = home.data().with_file_name("exported");
    let exported = home.run(&["export", "--folder", folder.to_str().unwrap()]);
    assert_eq!(exported.status, 0, "{}", exported.stderr);
    let written = exported.stdout.lines().next().unwrap();
    let same = home.run(&["plan", written, "--check"]);
    assert_eq!(same.status, 0, "{}{}", same.stdout, same.stderr);
    let unsound = home.write("policies/all.cedar", "permit (principal");
    assert!(unsound.exists());
    let refused = home.run(&["plan", file]);
    assert_eq!(refused.status, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("all.cedar"), "{}", refused.stderr);
}
