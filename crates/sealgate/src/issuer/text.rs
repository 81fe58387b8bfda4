//! Issuers and what they say, for people.

use std::fmt::Write as _;

use sealgate_server::admin::{Candidate, IdentityLinkView, IssuerView, TriedIdentity};

use crate::output::{self, Text, date};
use crate::screen::clean;

pub(super) fn shown(issuer: &IssuerView) -> Text {
    let keys = match (&issuer.jwks, &issuer.jwks_uri) {
        (Some(set), _) => {
            let count = set["keys"].as_array().map_or(0, Vec::len);
            format!("{count} registered")
        }
        (None, Some(uri)) => uri.clone(),
        (None, None) => "where its metadata says".to_owned(),
    };
    let mut rows = vec![
        ("Issuer", issuer.issuer.clone()),
        ("Name", issuer.name.clone()),
        ("Kind", issuer.kind.to_string()),
        ("Keys", keys),
        ("Audience", issuer.audience.clone()),
    ];
    if let Some(domain) = &issuer.trust_domain {
        rows.push(("Trust domain", domain.clone()));
    }
    if !issuer.claims.is_empty() {
        let claims = issuer.claims.iter();
        let claims: Vec<_> = claims
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        rows.push(("Always says", claims.join(" ")));
    }
    if issuer.kind.is_about_people() {
        rows.push(("Vouches for", issuer.domains.join(", ")));
        let tenant = issuer
            .tenant
            .as_ref()
            .map(|tenant| tenant.as_str().to_owned());
        rows.push(("Of the tenant", tenant.unwrap_or_default()));
    }
    rows.push(("Added", date(issuer.created_at)));
    rows.push(("Disabled", issuer.disabled_at.map(date).unwrap_or_default()));
    output::fields(&rows)
}

pub(super) fn listed(issuers: &[IssuerView]) -> Text {
    let rows: Vec<[String; 4]> = issuers
        .iter()
        .map(|issuer| {
            let state = issuer.disabled_at.map_or("believed", |_| "disabled");
            [
                issuer.issuer.clone(),
                clean(&issuer.name).to_string(),
                issuer.kind.to_string(),
                state.to_owned(),
            ]
        })
        .collect();
    let empty = "No issuer's identities are taken. Add one with `sealgate issuer add`.";
    output::table(["ISSUER", "NAME", "KIND", "STATE"], &rows, empty)
}

pub(super) fn links(links: &[IdentityLinkView]) -> Text {
    let rows: Vec<[String; 3]> = links
        .iter()
        .map(|link| {
            [
                clean(&link.subject).to_string(),
                link.user.to_string(),
                date(link.linked_at),
            ]
        })
        .collect();
    let empty = "It has vouched for nobody yet.";
    output::table(["SUBJECT", "USER", "SINCE"], &rows, empty)
}

pub(super) fn link(link: &IdentityLinkView) -> Text {
    Text {
        data: format!("{} is {}.\n", clean(&link.subject), link.user),
        ..Text::default()
    }
}

pub(super) fn tried(found: &TriedIdentity) -> Text {
    let mut data = String::new();
    // Writing to a String cannot fail.
    let _ = match (&found.machine, &found.user) {
        (Some(machine), _) => writeln!(data, "It would be the machine {machine}."),
        (None, Some(user)) => writeln!(data, "It would be the account {user}."),
        (None, None) => {
            let said = found.said.as_deref().unwrap_or("nothing is known of it");
            let reason = found.reason.as_deref().unwrap_or_default();
            writeln!(data, "It would be nobody: {} ({reason}).", clean(said))
        }
    };
    for one in &found.candidates {
        let _ = writeln!(data, "  {}: {}", one.machine, why(one));
    }
    if let Some(claims) = found.claims.as_ref().and_then(|claims| claims.as_object()) {
        data.push_str("\nIt says:\n");
        for (name, value) in claims {
            let _ = writeln!(data, "  {}: {}", clean(name), clean(&value.to_string()));
        }
    }
    Text {
        data,
        ..Text::default()
    }
}

fn why(one: &Candidate) -> String {
    let mut parts = Vec::new();
    let unsound = one.differing.iter().any(String::is_empty);
    if one.differing.is_empty() {
        parts.push("fits".to_owned());
    } else if unsound {
        parts.push("its rules are not sound for this issuer".to_owned());
    } else {
        parts.push(format!("differs in {}", clean(&one.differing.join(", "))));
    }
    if one.ended {
        parts.push("disabled or expired".to_owned());
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sealgate_model::{IssuerKind, Timestamp};
    use serde_json::json;

    use super::*;

    fn github() -> IssuerView {
        IssuerView {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            name: "GitHub Actions".to_owned(),
            kind: IssuerKind::Github,
            audience: "https://id.example".to_owned(),
            jwks: None,
            jwks_uri: None,
            trust_domain: None,
            claims: BTreeMap::from([("repository_owner".to_owned(), "acme".to_owned())]),
            domains: Vec::new(),
            tenant: None,
            created_at: Timestamp::from_millis(1_795_338_305_000),
            disabled_at: None,
        }
    }

    #[test]
    fn issuers_are_shown_and_listed() {
        let enterprise = IssuerView {
            issuer: "https://idp.corp.example".to_owned(),
            name: "Corporate directory".to_owned(),
            kind: IssuerKind::Enterprise,
            jwks: Some(json!({ "keys": [{}, {}] })),
            claims: BTreeMap::new(),
            domains: vec!["corp.example".to_owned()],
            tenant: Some("acme".parse().unwrap()),
            disabled_at: Some(Timestamp::from_millis(1_795_338_305_000)),
            ..github()
        };
        let all = [github(), enterprise];
        let shown: Vec<_> = all.iter().map(|one| shown(one).data).collect();
        insta::assert_snapshot!(format!("{}\n{}", listed(&all).data, shown.join("\n")));
        assert!(listed(&[]).talk.contains("issuer add") || listed(&[]).data.contains("issuer add"));
    }

    #[test]
    fn a_token_that_was_tried_is_told_with_what_keeps_it_from_being_a_machine() {
        let candidate = |machine: &str, differing: &[&str], ended| Candidate {
            machine: machine.parse().unwrap(),
            differing: differing.iter().map(|&name| name.to_owned()).collect(),
            ended,
        };
        let found = TriedIdentity {
            machine: Some("deploy".parse().unwrap()),
            claims: Some(json!({ "sub": "repo:acme/shop:ref:refs/heads/main", "exp": 1 })),
            candidates: vec![
                candidate("deploy", &[], false),
                candidate("old", &["environment", "ref"], true),
                candidate("odd", &["sub", ""], false),
            ],
            ..TriedIdentity::default()
        };
        let nobody = TriedIdentity {
            reason: Some("identity_unmatched".to_owned()),
            said: Some("no machine is registered for this identity".to_owned()),
            ..TriedIdentity::default()
        };
        let person = TriedIdentity {
            user: Some("01928e2a-7c00-7000-8000-000000000001".parse().unwrap()),
            ..TriedIdentity::default()
        };
        let all = [found, nobody, person].map(|one| tried(&one).data);
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn accounts_that_were_vouched_for_are_listed() {
        let one = IdentityLinkView {
            subject: "00u1a2b3".to_owned(),
            user: "01928e2a-7c00-7000-8000-000000000001".parse().unwrap(),
            linked_at: Timestamp::from_millis(1_795_338_305_000),
        };
        let text = format!(
            "{}\n{}",
            links(std::slice::from_ref(&one)).data,
            link(&one).data
        );
        insta::assert_snapshot!(text);
    }
}
