use super::*;

const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";

fn with(change: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let good = [
        ("SEALGATE_ISSUER", "https://id.example"),
        ("SEALGATE_BASE_URL", "https://app.example"),
        ("SEALGATE_CLIENT_ID", "expenses"),
        ("SEALGATE_CLIENT_SECRET", "s3cret-s3cret"),
        ("SEALGATE_SEAL_KEYS", KEY),
    ];
    Settings::from_lookup(|name| {
        let find = |list: &[(&str, &str)]| {
            list.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        find(change).or_else(|| find(&good))
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
    assert_eq!(settings.unmarked, Unmarked::User);
    assert!(!format!("{settings:?}").contains("s3cret"));
    assert!(!format!("{settings:?}").contains(KEY));
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
        ("SEALGATE_BASE_URL", "https://app.example/x?y", "spelled"),
        ("SEALGATE_BASE_URL", "https://u@app.example", "spelled"),
        ("SEALGATE_BASE_URL", "javascript:alert(1)", "http(s)"),
        ("SEALGATE_SCOPES", "openid a\"b", "no scope"),
        ("SEALGATE_BASE_URL", "app.example", "not a URL"),
        ("SEALGATE_SEAL_KEYS", "short", "seal-key generate"),
        ("SEALGATE_SCOPES", "profile", "openid"),
        ("SEALGATE_UNMARKED", "open", "neither"),
        ("SEALGATE_UNTYPED_LOGOUT", "yes", "neither"),
        ("SEALGATE_STALENESS_BOUND", "0", "seconds"),
        ("SEALGATE_STALENESS_BOUND", "301", "seconds"),
        ("SEALGATE_AFTER_LOGOUT", "https://evil.example", "path"),
    ];
    for (name, value, says) in cases {
        let error = with(&[(name, value)]).unwrap_err();
        assert_eq!(error.name(), name);
        assert!(error.to_string().contains(says), "{name}={value}: {error}");
    }
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
