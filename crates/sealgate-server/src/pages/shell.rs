//! What every page has around it: where links point, whose page it is, and the trace id.

use sealgate_model::Issuer;

use super::assets;

/// The surroundings of a page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shell {
    /// The issuer's path, without trailing slash: empty for an issuer at the root of its host.
    pub(crate) base: String,
    /// The issuer's host and port, shown so that people can see where they type their password.
    pub(crate) host: String,
    /// The request's trace id, where it helps to tell it to somebody.
    pub(crate) trace: Option<String>,
}

impl Shell {
    /// The surroundings of a page under `issuer`.
    pub(crate) fn of(issuer: &Issuer) -> Self {
        let origin = issuer.origin();
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        Self {
            base: issuer.path().to_owned(),
            host: host.to_owned(),
            trace: None,
        }
    }

    /// Changes with the style sheet, so that browsers may keep it for good.
    #[expect(clippy::unused_self, reason = "called from the layout template")]
    pub(crate) fn style_version(&self) -> &'static str {
        assets::style_version()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_under_the_issuers_path() {
        let root = Shell::of(&"https://id.example".parse().unwrap());
        assert_eq!((root.base.as_str(), root.host.as_str()), ("", "id.example"));
        let tenant = Shell::of(&"http://127.0.0.1:8400/tenant".parse().unwrap());
        assert_eq!(
            (tenant.base.as_str(), tenant.host.as_str()),
            ("/tenant", "127.0.0.1:8400")
        );
    }
}
