use super::*;

pub(super) const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";

/// Everything that must be set.
pub(super) const GOOD: [(&str, &str); 5] = [
    ("SEALGATE_ISSUER", "https://id.example"),
    ("SEALGATE_BASE_URL", "https://app.example"),
    ("SEALGATE_CLIENT_ID", "expenses"),
    ("SEALGATE_CLIENT_SECRET", "s3cret-s3cret"),
    ("SEALGATE_SEAL_KEYS", KEY),
];

pub(crate) fn with(change: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::from_lookup(|name| {
        let find = |list: &[(&str, &str)]| {
            list.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        find(change).or_else(|| find(&GOOD))
    })
}

pub(crate) fn good(change: &[(&str, &str)]) -> Settings {
    with(change).unwrap()
}

#[test]
fn defaults_are_the_documented_ones() {
    let settings = good(&[]);
    assert_eq!(settings.scopes, ["openid", "profile", "email"]);
    assert_eq!(settings.staleness_bound, Duration::from_secs(10));
    assert_eq!(settings.on_stale, OnStale::Deny);
    assert_eq!(settings.unmarked, Unmarked::User);
    assert!(!format!("{settings:?}").contains("s3cret"));
    assert!(!format!("{settings:?}").contains(KEY));
}

#[test]
fn a_password_in_a_url_is_not_told() {
    for url in [
        "https://a:hunter2@id.example",
        "https://id.example?key=hunter2",
        "https://id.example#hunter2",
    ] {
        for name in [
            "SEALGATE_ISSUER",
            "SEALGATE_BASE_URL",
            "SEALGATE_ALLOWED_ORIGINS",
            "SEALGATE_TRUSTED_ISSUERS",
        ] {
            let error = with(&[(name, url)]).unwrap_err();
            assert_eq!(error.name(), name);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}

#[test]
fn every_mistake_names_its_setting_and_the_way_out() {
    let cases = [
        ("SEALGATE_ISSUER", "", "is not set"),
        ("SEALGATE_ISSUER", "http://id.example", "https"),
        ("SEALGATE_ISSUER", "https://id.example/", "trailing slash"),
        (
            "SEALGATE_ISSUER",
            "https://ID.example",
            "https://id.example",
        ),
        (
            "SEALGATE_BASE_URL",
            "https://app.example:443",
            "https://app.example",
        ),
        (
            "SEALGATE_BASE_URL",
            "http://127.1:8000",
            "http://127.0.0.1:8000",
        ),
        ("SEALGATE_BASE_URL", "https://app.example//x", "spelled"),
        ("SEALGATE_BASE_URL", "https://app.example/x?y", "a query"),
        ("SEALGATE_BASE_URL", "https://u@app.example", "a user name"),
        ("SEALGATE_BASE_URL", "javascript:alert(1)", "http(s)"),
        ("SEALGATE_SCOPES", "openid a\"b", "no scope"),
        ("SEALGATE_BASE_URL", "app.example", "not a URL"),
        ("SEALGATE_SEAL_KEYS", "short", "seal-key generate"),
        ("SEALGATE_SCOPES", "profile", "openid"),
        ("SEALGATE_UNMARKED", "open", "neither"),
        ("SEALGATE_UNTYPED_LOGOUT", "yes", "neither"),
        ("SEALGATE_STALENESS_BOUND", "0", "seconds"),
        ("SEALGATE_STALENESS_BOUND", "301", "seconds"),
        ("SEALGATE_ON_STALE", "allow", "allow:SECONDS"),
        ("SEALGATE_ON_STALE", "allow:0", "1 to 3600"),
        ("SEALGATE_ON_STALE", "allow:3601", "1 to 3600"),
        ("SEALGATE_ON_STALE", "allow:+5", "1 to 3600"),
        ("SEALGATE_ON_STALE", "allow:5s", "1 to 3600"),
        ("SEALGATE_ON_STALE", "introspect:5", "none of"),
        ("SEALGATE_SHARED_VIEW", "view", "absolute path"),
        ("SEALGATE_SHARED_VIEW", "Off", "`off`"),
        ("SEALGATE_GATE_NAME", "grün", "printable"),
        ("SEALGATE_ROUTES", "#main:app", "no path of a lock file"),
        ("SEALGATE_ROUTES", "sealgate.routes.toml#main", "#main:app"),
        ("SEALGATE_AFTER_LOGOUT", "https://evil.example", "path"),
        ("SEALGATE_AUDIENCES", "my-api", "absolute URIs"),
        ("SEALGATE_PROVIDER", "okto", "`okta`"),
    ];
    for (name, value, says) in cases {
        let error = with(&[(name, value)]).unwrap_err();
        assert_eq!(error.name(), name);
        assert!(error.to_string().contains(says), "{name}={value}: {error}");
    }
}

#[test]
fn a_silent_feed_is_answered_as_the_setting_says() {
    let said = |value| good(&[("SEALGATE_ON_STALE", value)]).on_stale;
    assert_eq!(said("deny"), OnStale::Deny);
    assert_eq!(said("introspect"), OnStale::Introspect);
    assert_eq!(said("allow:1"), OnStale::Allow(Duration::from_secs(1)));
    assert_eq!(
        said("allow:3600"),
        OnStale::Allow(Duration::from_secs(3_600))
    );
}

#[test]
fn plain_http_is_for_loopback() {
    for base in [
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://app.localhost",
    ] {
        assert!(with(&[("SEALGATE_BASE_URL", base)]).is_ok(), "{base}");
    }
    assert!(with(&[("SEALGATE_BASE_URL", "http://localhost.evil.example")]).is_err());
}

#[test]
fn another_providers_audiences_are_names_of_its_own_but_never_the_client() {
    let auth0 = |audiences| {
        with(&[
            ("SEALGATE_PROVIDER", "auth0"),
            ("SEALGATE_AUDIENCES", audiences),
        ])
    };
    let settings = auth0("my-api 5f0c-guid").unwrap();
    assert_eq!(settings.audiences, ["my-api", "5f0c-guid"]);
    assert_eq!(settings.named_audience(), Some("my-api"));
    assert!(
        auth0("my-api expenses")
            .unwrap_err()
            .to_string()
            .contains("ID tokens")
    );
    let unsaid = good(&[("SEALGATE_PROVIDER", "auth0")]);
    assert_eq!((unsaid.audiences.len(), unsaid.named_audience()), (1, None));
}
