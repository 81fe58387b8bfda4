//! The settings' own rules.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use super::table::{Kind, SETTINGS, Setting};
use super::*;
use crate::failure::Failure;

/// A folder with a settings file, and an environment.
struct Place {
    folder: tempfile::TempDir,
    variables: HashMap<&'static str, String>,
}

impl Place {
    fn with(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("sealgate.toml"), file).unwrap();
        Self {
            folder,
            variables: HashMap::new(),
        }
    }

    fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    /// The settings with the options of `--set`, the file named on the command line.
    fn load(&self, set: &[&str]) -> Result<Loaded, Failure> {
        let mut sources = Sources {
            config: Some(self.folder.path().join("sealgate.toml")),
            ..Sources::default()
        };
        let set: Vec<String> = set.iter().map(|&one| one.to_owned()).collect();
        sources.assignments(&set)?;
        sources.load(|name| self.variables.get(name).cloned())
    }

    /// What is said of settings that are wrong, the folder left out.
    fn refusal(&self, set: &[&str]) -> String {
        let said = self.load(set).err().unwrap().text();
        said.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn an_option_wins_over_a_variable_and_a_variable_over_the_file() {
    let file = "[lifetimes]\naccess = '10m'\ncode = '30s'\ngrace = '5s'\n";
    let place = Place::with(file)
        .variable("SEALGATE_LIFETIMES_ACCESS", "15m")
        .variable("SEALGATE_LIFETIMES_CODE", "45s");
    let loaded = place.load(&["lifetimes.access=20m"]).unwrap();
    let Lifetimes {
        access,
        code,
        grace,
        idle,
        ..
    } = loaded.settings.lifetimes;
    assert_eq!(
        [access, code, grace, idle].map(|span| span.to_string()),
        ["20m", "45s", "5s", "1h"]
    );
    assert_eq!(loaded.origin("lifetimes.access").to_string(), "--set");
    assert_eq!(
        *loaded.origin("lifetimes.code"),
        Origin::Variable("SEALGATE_LIFETIMES_CODE")
    );
    assert_eq!(
        *loaded.origin("lifetimes.grace"),
        Origin::File(place.folder.path().join("sealgate.toml"))
    );
    assert_eq!(*loaded.origin("lifetimes.idle"), Origin::Default);
}

#[test]
fn a_value_that_is_wrong_is_told_with_its_place_and_what_it_should_be() {
    let said = |file: &str| Place::with(file).refusal(&[]);
    insta::assert_snapshot!(said("[lifetimes]\nsession = '48h'"), @r#"error: sealgate.toml: lifetimes.session must be a duration from 5m to 24h, such as "24h", and is "48h" (setting_wrong)"#);
    insta::assert_snapshot!(said("[lifetimes]\naccess = 300"), @r#"error: sealgate.toml: lifetimes.access must be a duration from 1m to 1h, such as "5m", and is 300 (setting_wrong)"#);
    insta::assert_snapshot!(said("issuer = 'https://id.example/'"), @r#"error: sealgate.toml: issuer must be an http(s) URL without query, fragment or slash at its end, and is "https://id.example/" (setting_wrong)"#);
    insta::assert_snapshot!(said("[outbound]\nallow = ['10.0.0.0/33']"), @r#"error: sealgate.toml: outbound.allow must be a list of networks such as 10.1.2.0/24 or fd00::/8, and is ["10.0.0.0/33"] (setting_wrong)"#);
    insta::assert_snapshot!(
        Place::with("").variable("SEALGATE_LIMITS_CONNECTIONS", "many").refusal(&[]),
        @"error: SEALGATE_LIMITS_CONNECTIONS: limits.connections must be a whole number from 16 to 1000000, and is many (setting_wrong)"
    );
    insta::assert_snapshot!(
        Place::with("").refusal(&["telemetry.sample=2"]),
        @"error: --set: telemetry.sample must be a number from 0 to 1, and is 2.0 (setting_wrong)"
    );
}

#[test]
fn a_setting_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
    let said = |file: &str| Place::with(file).refusal(&[]);
    insta::assert_snapshot!(said("[lifetimes]\nsesion = '8h'"), @r"
    error: sealgate.toml: there is no setting lifetimes.sesion (setting_unknown)
    hint: did you mean lifetimes.session?
    ");
    insta::assert_snapshot!(said("tls = true"), @r"
    error: sealgate.toml: there is no setting tls (setting_unknown)
    hint: tls is a section, of tls.cert, tls.key
    ");
    insta::assert_snapshot!(said("[database]\nurl = 'postgres://'"), @r"
    error: sealgate.toml: there is no setting database.url (setting_unknown)
    hint: `sealgate settings` lists them
    ");
    insta::assert_snapshot!(said("[listen]\nport = 1"), @r#"error: sealgate.toml: listen must be an address and port, such as 127.0.0.1:8420, and is { port = 1 } (setting_wrong)"#);
    insta::assert_snapshot!(said("[lifetimes\n"), @r"error: sealgate.toml, line 1, does not read as TOML: unclosed table, expected `]` (settings_unreadable)");
}

#[test]
fn settings_that_do_not_fit_together_are_refused() {
    let said = |file: &str| Place::with(file).refusal(&[]);
    insta::assert_snapshot!(said("[tls]\ncert = 'chain.pem'"), @r"error: sealgate.toml: tls.cert is set, and tls.key is not (setting_wrong)");
    insta::assert_snapshot!(said("[lifetimes]\nsession = '30m'"), @r"error: sealgate.toml: lifetimes.idle must be at most lifetimes.session, which is 30m, and is 1h: a session does not rest longer than it lasts (setting_wrong)");
    insta::assert_snapshot!(said("[lifetimes]\naccess = '30m'\nidle = '15m'"), @r"error: sealgate.toml: lifetimes.access must be at most lifetimes.idle, which is 15m, and is 30m: a session would end before its token is renewed (setting_wrong)");
}

#[test]
fn a_named_file_must_be_there_and_one_in_the_data_directory_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let load = |config: Option<&str>| {
        let mut sources = Sources {
            config: config.map(|name| folder.path().join(name)),
            ..Sources::default()
        };
        let data_dir = folder.path().join("data").display().to_string();
        sources.flag("data_dir", "--data-dir", Some(&data_dir));
        sources.load(|_| None)
    };
    assert!(load(None).unwrap().file.is_none());
    let missing = load(Some("none.toml")).err().unwrap();
    assert!(missing.text().contains("(settings_unreadable)"));

    fs::create_dir(folder.path().join("data")).unwrap();
    let own = folder.path().join("data/sealgate.toml");
    fs::write(
        &own,
        "listen = '127.0.0.1:1'\n[tls]\ncert = 'c.pem'\nkey = '/k.pem'\n",
    )
    .unwrap();
    let loaded = load(None).unwrap();
    assert_eq!(loaded.file, Some(own.clone()));
    assert_eq!(loaded.settings.listen.port(), 1);
    // Relative to the file, wherever the command is run.
    assert_eq!(
        loaded.settings.tls.cert,
        Some(folder.path().join("data/c.pem"))
    );
    assert_eq!(loaded.settings.tls.key, Some("/k.pem".into()));

    fs::write(&own, "data_dir = 'elsewhere'").unwrap();
    assert!(
        load(None)
            .err()
            .unwrap()
            .text()
            .contains("data_dir cannot be set")
    );
}

#[test]
fn proxies_are_networks_and_never_everybody() {
    let nobody = Place::with("").load(&[]).unwrap().settings.config();
    assert!(nobody.policy.proxies.is_empty());

    let place = Place::with("[proxy]\ntrusted = ['10.0.0.5/32']\nheader = 'forwarded'\n");
    let proxies = place.load(&[]).unwrap().settings.config().policy.proxies;
    assert_eq!(proxies.header(), ForwardingHeader::Forwarded);
    let source = proxies.source([10, 0, 0, 5].into(), [&b"for=192.0.2.1"[..]].into_iter());
    assert_eq!(source.address.to_string(), "192.0.2.1");

    let place = Place::with("").variable("SEALGATE_PROXY_TRUSTED", "10.0.0.0/24, ::/0");
    assert!(place.refusal(&[]).contains("proxy.trusted holds everybody"));
    let place = Place::with("proxy.trusted = ['10.0.0.5']");
    assert!(
        place
            .refusal(&[])
            .contains("a list of networks such as 10.0.0.5/32")
    );
    let said = Place::with("").refusal(&["proxy.header=x-real-ip"]);
    assert!(
        said.contains("proxy.header must be x-forwarded-for or forwarded"),
        "{said}"
    );
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let place = Place::with("").variable("SEALGATE_ISSUER", "");
    assert_eq!(place.load(&[]).unwrap().settings.issuer, None);
}

#[test]
fn the_table_tells_of_every_setting_and_of_no_other() {
    let told: BTreeSet<String> = SETTINGS.iter().map(|one| one.key.to_owned()).collect();
    let mut known = BTreeSet::new();
    names(
        "",
        &serde_json::to_value(Settings::default()).unwrap(),
        &mut known,
    );
    assert_eq!(told, known);
    assert_eq!(told.len(), SETTINGS.len());
    for setting in &SETTINGS {
        let variable = setting.key.to_uppercase().replace('.', "_");
        assert_eq!(setting.env, format!("SEALGATE_{variable}"));
    }
}

fn names(above: &str, tree: &serde_json::Value, into: &mut BTreeSet<String>) {
    let Some(members) = tree.as_object() else {
        into.insert(above.to_owned());
        return;
    };
    for (name, below) in members {
        let dot = if above.is_empty() { "" } else { "." };
        names(&format!("{above}{dot}{name}"), below, into);
    }
}

#[test]
fn the_defaults_that_are_told_are_the_defaults() {
    let built_in = toml::Value::try_from(Settings::default()).unwrap();
    for Setting {
        key, kind, default, ..
    } in &SETTINGS
    {
        let value = key
            .split('.')
            .try_fold(&built_in, |tree, name| tree.get(name));
        let text = match value {
            None => String::new(),
            Some(toml::Value::String(text)) => text.clone(),
            Some(toml::Value::Array(items)) if items.is_empty() => String::new(),
            Some(other) => other.to_string(),
        };
        match kind {
            Kind::Span(..) => assert_eq!(text.parse::<Span>(), default.parse(), "{key}"),
            _ => assert_eq!(text, *default, "{key}"),
        }
    }
    assert_eq!(
        Place::with("").load(&[]).unwrap().settings,
        Settings::default()
    );
}

#[test]
fn the_reference_page_has_the_table() {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/settings.md"
    );
    let page = fs::read_to_string(page).unwrap();
    let table = table::reference();
    assert!(
        page.contains(&table),
        "put the table that `sealgate settings --reference` prints into docs/reference/settings.md:\n{table}"
    );
}

#[test]
fn what_is_declared_beside_the_settings_is_left_alone() {
    let place = Place::with(
        "prune = true\ndeclaration = 'a'\n[keys]\nrotate_every = '30d'\n[keys.EdDSA]\nrotate_every = '10d'\n\
         [client.a]\nname = 'A'\n[machine.m]\n[resource.'https://a.example/']\n[role.r]\n[scope.s]\n\
         [policy]\nfiles = []\n[[mapping]]\n[mapping_of]\n",
    );
    let loaded = place.load(&[]).unwrap();
    assert_eq!(
        loaded.settings.keys.rotate_every,
        Span::seconds(30 * 86_400)
    );
    for wrong in [
        "[keys.RS512]\nrotate_every = '10d'\n",
        "[keys]\nEdDSA = '10d'\n",
        "[clients.a]\nname = 'A'\n",
    ] {
        let refused = Place::with(wrong).refusal(&[]);
        assert!(refused.contains("setting_unknown"), "{refused}");
    }
}
