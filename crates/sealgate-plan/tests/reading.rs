//! What is wrong with a file is told with its place, and never with a secret.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use std::collections::BTreeMap;

use sealgate_plan::{FILE_LIMIT, Fault, MOST_THINGS, Position, ReadError, read};

const SETTINGS: [&str; 4] = ["issuer", "lifetimes", "keys", "keys.rotate_every"];

fn refused(text: &str) -> ReadError {
    read(text, "state.toml", &SETTINGS).unwrap_err()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_wrong_is_told_with_its_place() {
    for (text, at, fault, said) in [
        (
            "[clients.a]\nname = 'A'\n",
            (1, 2),
            Fault::Unknown,
            "did you mean client?",
        ),
        (
            "[wrong]\n",
            (1, 2),
            Fault::Unknown,
            "there is no table \"wrong\"",
        ),
        (
            "[client.a]\nname = 'A'\nkind = 'public'\nredirect_uri = []\n",
            (4, 1),
            Fault::Unknown,
            "unknown field `redirect_uri`",
        ),
        (
            "[client.a]\nname = 'A'\nkind = 'secret'\n",
            (3, 8),
            Fault::Malformed,
            "unknown variant",
        ),
        (
            "[client.a]\nkind = 'public'\n",
            (1, 1),
            Fault::Malformed,
            "missing field `name`",
        ),
        (
            "[client.'a b']\nname = 'A'\nkind = 'public'\n",
            (1, 9),
            Fault::Malformed,
            "client.\"a b\"",
        ),
        (
            "[client.a]\nname = 'A'\nkind = 'public'\naccess_lifetime = '5'\n",
            (4, 19),
            Fault::Malformed,
            "write one such as 5m",
        ),
        (
            "[machine.m]\nowner = 'o'\npurpose = 'p'\nexpires_at = 2027-01-01T00:00:00\n",
            (4, 14),
            Fault::Malformed,
            "2027-01-31",
        ),
        (
            "[role.'a b']\ndescription = 'x'\n",
            (1, 7),
            Fault::Malformed,
            "a role is",
        ),
        (
            "[role.a]\ndescription = ' '\n",
            (1, 7),
            Fault::Malformed,
            "1 to 200 bytes",
        ),
        (
            "[scope.openid]\ndescription = 'x'\n",
            (1, 8),
            Fault::Malformed,
            "meaning of their own",
        ),
        (
            "[scope.'sealgate:x']\ndescription = 'x'\n",
            (1, 8),
            Fault::Malformed,
            "meaning of their own",
        ),
        (
            "[keys.RS512]\nrotate_every = '1d'\n",
            (1, 7),
            Fault::Unknown,
            "is no algorithm",
        ),
        (
            "[keys.EdDSA]\nrotate_every = '401d'\n",
            (1, 1),
            Fault::Malformed,
            "at most 400 days",
        ),
        (
            "declaration = 'a b'\n",
            (1, 15),
            Fault::Malformed,
            "a name is",
        ),
        ("client = 1\n", (1, 10), Fault::Malformed, "[client.NAME]"),
        ("[client.a\n", (1, 10), Fault::Malformed, ""),
        (
            "[policy]\nfile = []\n",
            (1, 1),
            Fault::Malformed,
            "[policy]",
        ),
        (
            "[[mapping]]\nwhat = 1\n",
            (2, 1),
            Fault::Malformed,
            "mapping: ",
        ),
    ] {
        let error = refused(text);
        let place = error.at.map(|Position { line, column }| (line, column));
        assert_eq!((place, error.fault), (Some(at), fault), "{text}: {error}");
        assert!(error.said.contains(said), "{text}: {error}");
        let shown = format!("state.toml:{}:{}: ", at.0, at.1);
        assert!(error.to_string().starts_with(&shown), "{error}");
    }
}

#[test]
fn a_secret_is_refused_and_not_repeated() {
    let key = "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIHVsb3VkIHNlY3JldA\\n-----END PRIVATE KEY-----";
    for text in [
        "[client.a]\nname = 'A'\nkind = 'confidential'\nsecret = 'hunter2hunter2'\n".to_owned(),
        "[client.a]\nname = 'A'\nkind = 'confidential'\nclient_secret = 'hunter2hunter2'\n".to_owned(),
        "[client.a]\nname = 'A'\nkind = 'confidential'\njwks = { keys = [{ kty = 'OKP', crv = 'Ed25519', x = 'a', d = 'hunter2hunter2' }] }\n".to_owned(),
        format!("[client.a]\nname = \"{key}\"\nkind = 'public'\n"),
        "[machine.a]\nowner = 'sealgate_bootstrap_hunter2hunter2'\n".to_owned(),
        "[client.a]\nname = 'A'\nclientSecret = 'hunter2hunter2'\n".to_owned(),
        "[client.a]\nname = 'A'\nclient-secret = 'hunter2hunter2'\n".to_owned(),
        "[client.a]\nname = 'A'\nshared_secret = ['hunter2hunter2']\n".to_owned(),
        "[client.a]\nname = 'A'\njwks_uri = 'https://me:hunter2@a.example/jwks'\n".to_owned(),
        "[client.a]\nname = 'A'\njwks = '{\"keys\":[{\"kty\":\"OKP\",\"d\":\"hunter2\"}]}'\n".to_owned(),
        "[role.a]\ndescription = '-----BEGIN PGP PRIVATE KEY BLOCK----- hunter2'\n".to_owned(),
        "[role.a]\ndescription = 'eyJhbGciOiJFZERTQSJ9hunter2hunter2.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijk'\n".to_owned(),
    ] {
        let error = refused(&text);
        assert_eq!(error.fault, Fault::Secret, "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        assert!(error.at.is_some());
    }
    // A client may be called so, and a claim too.
    let fine = "[client.token]\nname = 'Token'\nkind = 'public'\n\
                [machine.secret]\nowner = 'o'\npurpose = 'p'\nexpires_at = 2027-01-01\n\
                identities = [{ issuer = 'https://i.example', claims = { token = 'a' } }]\n";
    assert!(read(fine, "x", &[]).is_ok(), "{:?}", read(fine, "x", &[]));
}

#[test]
fn settings_stand_beside_what_is_declared() {
    let text = "issuer = 'https://id.example'\n[lifetimes]\naccess = '5m'\n\
                [keys]\nrotate_every = '90d'\n[keys.ES256]\nrotate_every = '30d'\n[role.a]\ndescription = 'A'\n";
    let draft = read(text, "sealgate.toml", &SETTINGS).unwrap();
    let declaration = draft.with(BTreeMap::new(), &BTreeMap::new()).unwrap();
    assert_eq!(declaration.state.len(), 2);
    assert_eq!(
        (declaration.name.as_str(), declaration.prune),
        ("default", false)
    );
    assert_eq!(read(text, "x", &[]).unwrap_err().fault, Fault::Unknown);
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let long = "#".repeat(FILE_LIMIT + 1);
    assert_eq!(refused(&long).fault, Fault::TooLarge);
    let mut many = String::new();
    for number in 0..=MOST_THINGS {
        let _ = write!(many, "[role.r{number}]\ndescription = 'x'\n");
    }
    assert_eq!(refused(&many).fault, Fault::TooLarge);
    let deep = format!("client = {}1{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(refused(&deep).fault, Fault::Malformed);
}

#[test]
fn the_example_and_the_guide_declare_what_is_sound() {
    let example = include_str!("../../../examples/expense_tracker/sealgate-state.toml");
    let guide = include_str!("../../../docs/how-to/declare-everything.md");
    let (_, rest) = guide.split_once("<<'END'\n").unwrap();
    let (guide, _) = rest.split_once("END\n").unwrap();
    for (text, things) in [(example, 3), (guide, 5)] {
        let draft = read(text, "x", &[]).unwrap();
        let state = draft.with(BTreeMap::new(), &BTreeMap::new()).unwrap().state;
        assert_eq!(state.len(), things);
        assert_eq!(state.check(), Ok(()));
    }
}

/// The reference page has every table and key, and no other.
#[test]
fn the_page_tells_every_table_and_key() {
    let page = include_str!("../../../docs/reference/declared-file.md");
    let section = |head: &str| {
        let (_, rest) = page.split_once(&format!("## {head}")).unwrap();
        let end = rest.find("\n## ").unwrap_or(rest.len());
        let rows = rest[..end].lines().filter(|line| line.starts_with("| `"));
        let mut keys: Vec<String> = rows
            .flat_map(|row| {
                let cell = row.split('|').nth(1).unwrap();
                cell.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        keys.sort();
        keys
    };
    let known = |text: &str| {
        let error = refused(text);
        let (_, list) = error
            .said
            .split_once("expected one of ")
            .unwrap_or(("", &error.said));
        let mut keys: Vec<String> = list
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        if !error.said.contains("expected one of") {
            let (_, one) = error.said.split_once("expected `").unwrap();
            keys = vec![one.trim_end_matches('`').to_owned()];
        }
        keys.sort();
        keys
    };
    for (head, table) in [
        ("`[client.ID]`", "client.a"),
        ("`[machine.ID]`", "machine.a"),
        ("`[resource.\"URI\"]`", "resource.'https://a.example/'"),
        ("`[role.NAME]` and `[scope.NAME]`", "role.a"),
        ("`[keys.ALGORITHM]`", "keys.EdDSA"),
    ] {
        assert_eq!(
            section(head),
            known(&format!("[{table}]\nno_such_key = 1\n")),
            "{head}"
        );
    }
    assert_eq!(section("At the top"), ["declaration", "prune"]);
    let mut codes: Vec<String> = sealgate_plan::Code::ALL
        .iter()
        .map(|code| code.as_str().to_owned())
        .collect();
    codes.sort();
    assert_eq!(section("Risks"), codes);
    for code in sealgate_plan::Code::ALL {
        let word = match code.level() {
            sealgate_plan::Level::Risk => "risk",
            sealgate_plan::Level::High => "high",
        };
        assert!(
            page.contains(&format!("| `{}` | {word} |", code.as_str())),
            "{code:?}"
        );
    }
}
