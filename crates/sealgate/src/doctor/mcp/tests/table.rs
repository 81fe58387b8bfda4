//! The table of clients itself.

use std::collections::BTreeSet;

use super::super::clients::CLIENTS;
use super::super::rules::{Client, Way};

#[test]
fn every_client_has_a_name_of_its_own_and_a_way_to_become_known() {
    let names: BTreeSet<&str> = CLIENTS.iter().map(|client| client.name).collect();
    assert_eq!(names.len(), CLIENTS.len());
    for client in &CLIENTS {
        assert!(
            !client.title.is_empty() && !client.ways.is_empty(),
            "{client:?}"
        );
        assert!(!client.forms.does.is_empty(), "{}", client.name);
    }
}

#[test]
fn every_source_can_be_looked_up() {
    let sources = |client: &'static Client| {
        let rules = [
            client.places.source,
            client.matching.source,
            client.instead.source,
            client.forms.source,
            client.error_ends.source,
            client.issuer_equal.source,
            client.pkce.source,
            client.response_types.source,
            client.browser,
            client.public_servers,
        ];
        let ways = client.ways.iter().filter_map(|way| way.source);
        let notes = client.notes.iter().map(|(_, source)| *source);
        rules
            .into_iter()
            .flatten()
            .chain(ways)
            .chain(notes)
            .collect::<Vec<_>>()
    };
    for source in CLIENTS
        .iter()
        .flat_map(sources)
        .flat_map(|source| source.split("; "))
    {
        // An issue, a file of a package or a repository, a page, or a file of ours.
        let issue = source.split_once('#').is_some_and(|(repository, number)| {
            repository.split('/').count() == 2 && number.parse::<u32>().is_ok()
        });
        let file = [".js", ".py", ".ts", ".rs"]
            .iter()
            .any(|ending| source.ends_with(ending));
        let page = source.starts_with("claude.com/") || source.starts_with("community.openai.com/");
        assert!(issue || file || page, "{source}");
        if let Some(ours) = source.strip_prefix("crates/sealgate-agent") {
            let path = format!("{}/../sealgate-agent{ours}", env!("CARGO_MANIFEST_DIR"));
            assert!(std::path::Path::new(&path).is_file(), "{source}");
        }
    }
}

#[test]
fn redirect_uris_and_documents_are_urls() {
    for way in CLIENTS.iter().flat_map(|client| client.ways) {
        match way.does {
            Way::Document { url, .. } => {
                assert!(url.is_none_or(|url| url.starts_with("https://")), "{url:?}");
            }
            Way::Dynamic { redirects } => {
                assert!(!redirects.is_empty());
                for redirect in redirects {
                    assert!(url::Url::parse(redirect).is_ok(), "{redirect}");
                }
            }
            Way::Asks => {}
        }
    }
}

/// `docs/how-to/check-an-mcp-server.md` names every client and every check.
#[test]
fn the_page_names_every_client() {
    let page = include_str!("../../../../../../docs/how-to/check-an-mcp-server.md");
    for client in &CLIENTS {
        assert!(
            page.contains(&format!("| `{}` |", client.name)),
            "{}",
            client.name
        );
        assert!(page.contains(client.title), "{}", client.title);
    }
}
