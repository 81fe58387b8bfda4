//! Which issuers are believed, and what each is like.

use sealgate_model::Issuer;

use super::SettingsError;
use super::checks::url_setting;
use crate::issuer::Preset;

const PROVIDER: &str = "SEALGATE_PROVIDER";
const TRUSTED: &str = "SEALGATE_TRUSTED_ISSUERS";

/// How many further issuers there may be.
const MOST: usize = 16;

/// What the sign-in issuer is like; our own control plane when nothing is said.
pub(super) fn provider_setting(value: Option<&str>) -> Result<&'static Preset, SettingsError> {
    let name = value.unwrap_or(Preset::sealgate().name);
    Preset::named(name).ok_or_else(|| SettingsError::new(PROVIDER, none_of("is")))
}

/// An issuer's identifier. One of another kind than ours may end with a slash, which then belongs to it.
pub(super) fn issuer_setting(
    name: &'static str,
    text: &str,
    preset: &Preset,
) -> Result<Issuer, SettingsError> {
    let plain = text.strip_suffix('/').unwrap_or(text);
    if preset.has_feed || plain == text {
        return url_setting(name, text);
    }
    url_setting(name, plain)?;
    Issuer::foreign(text).map_err(|error| SettingsError::new(name, format!("is {error}")))
}

/// Further issuers, `[provider=]URL` separated by blanks. Without a word before it an issuer is a plain
/// `openid` one.
pub(super) fn trusted_issuers_setting(
    list: &str,
    sign_in: &Issuer,
) -> Result<Vec<(Issuer, &'static Preset)>, SettingsError> {
    let wrong = |problem: String| Err(SettingsError::new(TRUSTED, problem));
    let mut all: Vec<(Issuer, &'static Preset)> = Vec::new();
    for word in list.split_ascii_whitespace() {
        let (provider, url) = match word.split_once('=') {
            Some((provider, url)) if !provider.contains(':') => (provider, url),
            _ => ("openid", word),
        };
        let Some(preset) = Preset::named(provider) else {
            return wrong(none_of("holds a provider that is"));
        };
        if preset.access_tokens.is_none() {
            let name = preset.name;
            return wrong(format!(
                "holds {name}, whose access tokens are nothing that an application can verify"
            ));
        }
        let issuer = issuer_setting(TRUSTED, url, preset)?;
        if issuer == *sign_in || all.iter().any(|(known, _)| *known == issuer) {
            return wrong(format!(
                "holds {url} a second time: SEALGATE_ISSUER counts as well"
            ));
        }
        all.push((issuer, preset));
    }
    if all.len() > MOST {
        return wrong(format!("holds more than {MOST} issuers"));
    }
    Ok(all)
}

fn none_of(is: &str) -> String {
    let names: Vec<_> = crate::issuer::PRESETS
        .iter()
        .map(|preset| format!("`{}`", preset.name))
        .collect();
    format!("{is} none of {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{good, with};

    #[test]
    fn an_issuer_of_another_kind_keeps_its_slash() {
        let auth0 = good(&[
            (PROVIDER, "auth0"),
            ("SEALGATE_ISSUER", "https://t.auth0.com/"),
        ]);
        assert_eq!(auth0.issuer.as_str(), "https://t.auth0.com/");
        let plain = good(&[
            (PROVIDER, "openid"),
            ("SEALGATE_ISSUER", "https://id.example/a"),
        ]);
        assert_eq!(plain.issuer.as_str(), "https://id.example/a");
        for (provider, issuer) in [
            ("sealgate", "https://id.example/"),
            ("auth0", "https://id.example//"),
            ("auth0", "http://id.example/"),
            ("auth0", "https://ID.example/"),
            ("auth0", "/"),
        ] {
            let error = with(&[(PROVIDER, provider), ("SEALGATE_ISSUER", issuer)]).unwrap_err();
            assert_eq!(error.name(), "SEALGATE_ISSUER", "{issuer}");
        }
    }

    #[test]
    fn further_issuers_say_what_they_are_like() {
        let list = "https://a.example keycloak=https://b.example/realms/x auth0=https://c.example/";
        let settings = good(&[(TRUSTED, list)]);
        let told: Vec<_> = settings
            .trusted_issuers
            .iter()
            .map(|(issuer, preset)| (issuer.as_str(), preset.name))
            .collect();
        assert_eq!(
            told,
            [
                ("https://a.example", "openid"),
                ("https://b.example/realms/x", "keycloak"),
                ("https://c.example/", "auth0"),
            ]
        );
        for (list, says) in [
            ("nobody=https://a.example", "`keycloak`"),
            ("google=https://accounts.google.com", "verify"),
            ("https://a.example https://a.example", "second time"),
            ("https://id.example", "second time"),
            ("a.example", "not a URL"),
        ] {
            let error = with(&[(TRUSTED, list)]).unwrap_err();
            assert_eq!(error.name(), TRUSTED);
            assert!(error.to_string().contains(says), "{list}: {error}");
        }
        let many: Vec<_> = (0..17).map(|n| format!("https://i{n}.example")).collect();
        assert!(with(&[(TRUSTED, &many.join(" "))]).is_err());
    }

    #[test]
    fn each_provider_asks_for_the_scope_that_gives_refresh_tokens() {
        assert_eq!(good(&[]).scopes, ["openid", "profile", "email"]);
        let auth0 = good(&[(PROVIDER, "auth0")]).scopes;
        assert_eq!(auth0, ["openid", "profile", "email", "offline_access"]);
        let own = good(&[(PROVIDER, "auth0"), ("SEALGATE_SCOPES", "openid x")]).scopes;
        assert_eq!(own, ["openid", "x"]);
        let error = with(&[(PROVIDER, "okto")]).unwrap_err();
        assert!(error.to_string().contains("`okta`"), "{error}");
    }
}
