//! The probe file: who is known to the application.

use std::env;
use std::fs;
use std::path::Path;

use sealgate_probe::{ProbeFile, Settings};

use crate::failure::Failure;

/// Puts what `file` says into `settings`.
pub(super) fn read(file: &Path, settings: &mut Settings) -> Result<(), Failure> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| {
        let said = format!("cannot read {shown}: {error}");
        Failure::usage("probe_file_unreadable", said)
    })?;
    parsed(&text, |name| env::var(name).ok(), settings)
        .map_err(|(code, said)| Failure::usage(code, format!("{shown}: {said}")).with_hint(
            "an identity has a name, a kind and headers, as in: headers = { Authorization = \"Bearer ${ADA_TOKEN}\" }",
        ))
}

fn parsed(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
    settings: &mut Settings,
) -> Result<(), (&'static str, String)> {
    let written: ProbeFile = toml::from_str(text).map_err(|error| {
        // Not the excerpt, in which somebody's credential may stand.
        let line = error.span().map_or(1, |span| {
            text.get(..span.start)
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1
        });
        let said = format!("line {line}: {}", error.message());
        ("probe_file_invalid", said)
    })?;
    for identity in written.identity {
        let identity = identity
            .resolved(&variable)
            .map_err(|error| (error.code(), error.to_string()))?;
        settings.identities.push(identity);
    }
    settings.params = written.params;
    settings.slots = written.scheme;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let mut settings = Settings::new("localhost", [0; 32]);
        let variable = |name: &str| (name == "ADA").then(|| "token".to_owned());
        let outcome = parsed(text, variable, &mut settings);
        outcome.map_err(|(code, said)| format!("{said} ({code})"))?;
        Ok(settings)
    }

    #[test]
    fn a_file_names_parameters_schemes_and_people() {
        let settings = read(
            r#"
            [params]
            tenant = "acme"
            [[scheme]]
            kind = "header"
            name = "X-Key"
            [[identity]]
            name = "ada"
            kind = "other-tenant"
            routes = ["GET /tenants/*"]
            headers = { Authorization = "Bearer ${ADA}" }
            "#,
        );
        let settings = settings.unwrap();
        assert_eq!(settings.params["tenant"], "acme");
        assert_eq!(settings.slots.len(), 1);
        assert_eq!(settings.identities[0].name, "ada");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_the_credential() {
        let torn =
            read("\n[[identity]]\nname = \"ada\"\nkind = \"odd\"\nheaders = { A = \"s3cret\" }");
        let torn = torn.err().unwrap();
        assert!(torn.starts_with("line 4: unknown variant `odd`"), "{torn}");
        assert!(!torn.contains("s3cret"));
        let missing =
            read("[[identity]]\nname = \"ada\"\nkind = \"valid\"\nheaders = { A = \"${BOB}\" }");
        assert_eq!(
            missing.err().unwrap(),
            "the identity ada needs ${BOB}, which is not set (probe_variable_missing)"
        );
    }
}
