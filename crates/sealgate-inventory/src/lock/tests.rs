use proptest::prelude::*;

use super::*;
use crate::Actor;
use crate::fixtures::{admin, route, scanned, user};
use crate::strategies;

mod renewing;
mod specification;

fn expenses() -> Inventory {
    let mut scopes = user();
    scopes.scopes.insert("expenses:read".to_owned());
    let mut machines = user();
    machines.actors.insert(Actor::Machine);
    let mut files = route("*", "/static");
    files.kind = Kind::Static;
    files.endpoint = None;
    scanned(vec![
        route("GET", "/expenses").behind("app.auth:signed_in", &scopes),
        route("DELETE", "/expenses/{id}")
            .behind("app.auth:signed_in", &user())
            .behind("app.auth:require_admin", &admin()),
        route("POST", "/imports").behind("app.auth:machine", &machines),
        route("GET", "/health").known(Evidence::Public, Some("load balancers ask")),
        route("WEBSOCKET", "/live").known(Evidence::Unresolved, Some("line 7: a loop")),
        route("POST", "/login"),
        files,
    ])
}

#[test]
fn a_first_lock_file_has_a_block_for_each_route_and_no_class_for_what_is_open() {
    insta::assert_snapshot!(write(&expenses(), None, &Config::default()));
}

#[test]
fn what_stands_in_another_place_of_the_source_changes_nothing() {
    let mut later = expenses();
    for route in &mut later.routes {
        route.line = route.line.map(|line| line + 40);
        route.file = Some("app/moved.py".to_owned());
        route.reason = route
            .reason
            .take()
            .map(|text| text.replace("line 7", "line 47"));
    }
    later.routes.reverse();
    let config = Config::default();
    assert_eq!(
        write(&later, None, &config),
        write(&expenses(), None, &config)
    );
}

#[test]
fn a_lock_file_is_read_with_its_lines_and_comments() {
    let text = write(&expenses(), None, &Config::default()).replace(
        "[route.\"main:app\".\"GET /expenses\"]",
        "# not directly above\n\n# Ben looks\n  # after this.\n[route.\"main:app\".\"GET /expenses\"]",
    );
    let file = read(&text).unwrap();
    let entry = file.at("main:app", "/expenses").first().unwrap();
    assert_eq!(entry.comment, ["# Ben looks", "# after this."]);
    let header = text.lines().nth(entry.line as usize - 1);
    assert_eq!(header, Some("[route.\"main:app\".\"GET /expenses\"]"));
    assert!(
        file.to_text()
            .contains("\n\n# Ben looks\n# after this.\n[route")
    );
    assert_eq!(file.to_text(), read(&file.to_text()).unwrap().to_text());
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_a_hint() {
    let block = "[route.\"main:app\".\"GET /x\"]\n";
    let head = "version = 1\nlens = \"scan\"\n";
    let texts = [
        String::new(),
        "version = 2\nfuture = true\n".to_owned(),
        "version = 1\n".to_owned(),
        "version = 1\nlens = \"scan\"\nroutes = 3\n".to_owned(),
        format!("{head}{block}"),
        format!("{head}{block}evidence = \"FINE\"\n"),
        format!("{head}{block}evidence = \"OPEN\"\nclass = \"open\"\n"),
        format!("{head}{block}evidence = \"OPEN\"\nclas = \"public\"\n"),
        format!("{head}\n{block}evidence = \"OPEN\"\nclass = \"public\"\nreason = \" \"\n"),
        format!("{head}{block}evidence = \"OPEN\"\nexpires = 2027-06-30T00:00:00Z\n"),
        format!("{head}{block}evidence = \"GATED\"\nrequires = \"user scope=a\"\n"),
        format!("{head}{block}evidence = \"GATED\"\nrequires = \"user scopes=b,a\"\n"),
        format!("{head}{block}evidence = \"OPEN\"\n{block}evidence = \"OPEN\"\n"),
        format!(
            "{head}{block}evidence = \"OPEN\"\n[route.\"main:app\".\"GET,HEAD /x\"]\nevidence = \"OPEN\"\n"
        ),
        format!("{head}[route.\"main:app\".\"/x\"]\nevidence = \"OPEN\"\n"),
        format!("{head}[route.\"main:app\".\"get /x\"]\nevidence = \"OPEN\"\n"),
    ];
    let told = texts.map(|text| {
        let error = read(&text).unwrap_err();
        format!(
            "{text}---\n{error}\n{}\nhint: {}\n",
            error.code(),
            error.hint()
        )
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn limits_come_before_parsing() {
    let long = " ".repeat(LOCK_BYTES_MAX + 1);
    assert_eq!(read(&long).unwrap_err().code(), "lock_too_large");
    let many = "[x\n".repeat(LOCK_ROUTES_MAX + 1);
    assert_eq!(read(&many).unwrap_err().code(), "lock_too_many_routes");
}

#[test]
fn what_would_hide_from_a_reviewer_is_escaped() {
    let hidden =
        route("GET", "/x").known(Evidence::Public, Some("fine\u{202e}\u{200b}\n\"quoted\""));
    let text = write(&scanned(vec![hidden]), None, &Config::default());
    assert!(
        text.contains(r#"reason = "fine\U0000202E\U0000200B\n\"quoted\"""#),
        "{text}"
    );
}

#[test]
fn a_requirement_is_one_line_that_people_read() {
    let mut strength = admin();
    strength.scopes = ["a".to_owned(), "b c".to_owned()].into();
    strength.any_of = ["scope:x|role:y".to_owned()].into();
    strength.more = [
        "acr=phr".to_owned(),
        "it's late, or not".to_owned(),
        String::new(),
    ]
    .into();
    let text = requirement::text(&strength);
    assert_eq!(
        text,
        "privileged scopes=a,'b c' roles=admin any_of=scope:x|role:y \
         more='',acr=phr,'it''s late, or not'"
    );
    assert_eq!(requirement::parse(&text), Ok(strength));
}

#[test]
fn a_requirement_has_one_text() {
    for text in [
        "",
        "root",
        "user ",
        " user",
        "user  scopes=a",
        "user scopes=",
        "user scopes=b,a",
        "user scopes=a,a",
        "user scopes='a'",
        "user scopes=a scopes=b",
        "user roles=a scopes=b",
        "user actors=robot",
        "user scopes='a",
        "user scopes",
        "user more=a=b extra",
    ] {
        assert!(requirement::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn of_two_routes_with_one_name_the_weaker_one_counts() {
    let gated = route("GET", "/x").behind("a:b", &user());
    let both = scanned(vec![gated, route("GET", "/x")]);
    let file = renew(&both, None, &Config::default());
    assert_eq!(file.entries.len(), 1);
    assert_eq!(file.entries[0].evidence, Evidence::Open);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn reading_what_was_written_and_writing_it_gives_the_same(inventory in strategies::inventory()) {
        let text = write(&inventory, None, &Config::default());
        let file = read(&text).unwrap();
        prop_assert_eq!(&file.to_text(), &text);
        // And renewing it for what it was written from changes nothing.
        prop_assert_eq!(write(&inventory, Some(&file), &Config::default()), text);
    }

    #[test]
    fn what_people_wrote_is_read_and_written_the_same(
        inventory in strategies::inventory(),
        reason in "\\PC{1,20}",
        owner in proptest::option::of("\\PC{0,10}"),
        comment in proptest::collection::vec("#\\PC{0,10}", 0..3),
        day in proptest::option::of(1i8..28),
    ) {
        prop_assume!(!reason.trim().is_empty());
        let comment: Vec<String> = comment.iter().map(|line| line.trim().to_owned()).collect();
        let mut file = renew(&inventory, None, &Config::default());
        for entry in &mut file.entries {
            entry.reason = Some(reason.clone());
            entry.owner.clone_from(&owner);
            entry.comment.clone_from(&comment);
            entry.expires = day.map(|day| jiff::civil::date(2031, 2, day));
            entry.class = entry.class.or(Some(Class::Public));
        }
        let text = file.to_text();
        let mut back = read(&text).unwrap();
        prop_assert_eq!(back.to_text(), text);
        for entry in &mut back.entries {
            entry.line = 0;
        }
        prop_assert_eq!(back, file);
    }

    #[test]
    fn strengths_and_their_texts_are_one_to_one(strength in strategies::strength()) {
        prop_assert_eq!(requirement::parse(&requirement::text(&strength)), Ok(strength));
    }

    #[test]
    fn no_text_is_too_much_for_the_reader(
        text in "\\PC*",
        lines in proptest::collection::vec(prop_oneof![
            Just("version = 1".to_owned()),
            Just("lens = \"scan\"".to_owned()),
            Just("[route.\"a:b\".\"GET /x\"]".to_owned()),
            Just("evidence = \"OPEN\"".to_owned()),
            "requires = \"user [a-z]{0,6}=[a-z',]{0,8}\"",
            "[a-z]{1,8} = [\"\\[\\]0-9.a-z:-]{0,12}",
            "\\PC{0,20}",
        ], 0..12),
        quarrel in "[a-z]{1,4}( [a-z]{1,6}=[a-z', |]{0,12}){0,3}",
    ) {
        let _ = read(&text);
        let _ = read(&lines.join("\n"));
        let _ = requirement::parse(&quarrel);
        let _ = requirement::parse(&text);
    }
}
