//! Who asks, as people read it. Of a client that no administrator registered its own words are told as such, and
//! the one thing about it that is certain comes first: the host of its id.

use sealgate_store::{Client, ClientOrigin};
use url::Url;

use crate::pages::{self, AskerView, LinkView};
use crate::sign_in::address::is_hidden;

/// The most characters of a name that a client gave itself.
const NAME: usize = 64;

/// The most marks on one letter: with many of them a name covers what stands around it.
const MARKS: usize = 2;

impl AskerView {
    /// What is known of `client`.
    pub(crate) fn of(client: &Client) -> Self {
        let own = client.details.origin.is_its_own();
        let known = || Url::parse(client.id.as_str()).ok();
        let address = (client.details.origin == ClientOrigin::Document)
            .then(known)
            .flatten();
        Self {
            name: if own {
                plain(&client.name)
            } else {
                client.name.clone()
            },
            host: address.as_ref().map(authority),
            id: address.map(|_| client.id.to_string()),
            unchecked: own,
            agent: client.details.agent,
            links: if own { links(client) } else { Vec::new() },
        }
    }

    /// It in a few words, none of which it chose if nobody checked them.
    pub(crate) fn called(&self) -> String {
        match (&self.host, self.unchecked) {
            (Some(host), _) => host.clone(),
            (None, true) => "an application that registered itself".to_owned(),
            (None, false) => self.name.clone(),
        }
    }

    /// Whether it says itself that it is somewhere else than at the host of `url`.
    pub(crate) fn is_elsewhere(&self, url: &str) -> bool {
        let own = self.id.as_deref().map(pages::host_of);
        own.is_some_and(|own| own != pages::host_of(url))
    }
}

/// What a client calls itself, so that it cannot look like a part of the page: nothing hidden, on one line, of
/// bounded length.
fn plain(name: &str) -> String {
    let mut marks = 0;
    let shown = |c: &char| {
        marks = if is_mark(*c) { marks + 1 } else { 0 };
        !is_hidden(*c) && marks <= MARKS
    };
    let spaced = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    let shown: String = spaced.filter(shown).collect();
    let words: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
    let words = words.join(" ");
    if words.chars().count() <= NAME {
        return words;
    }
    let short: String = words.chars().take(NAME - 1).collect();
    format!("{}…", short.trim_end())
}

/// Whether a character is put onto the one before it, in the blocks that are made for it.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// The host as the URL has it: names of other scripts in the form that no letter can imitate.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or(url.scheme());
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Where it says that more is told of it, of which nothing is fetched here.
fn links(client: &Client) -> Vec<LinkView> {
    let own = &client.details.own_words;
    let all = [
        ("Home page", &own.client_uri),
        ("Use of data", &own.policy_uri),
        ("Terms", &own.tos_uri),
    ];
    let link = |(label, uri): (&'static str, &Option<String>)| {
        let url = Url::parse(uri.as_deref()?).ok()?;
        let plain =
            url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        plain.then(|| LinkView {
            label,
            host: authority(&url),
            href: url.into(),
        })
    };
    all.into_iter().filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;
    use sealgate_store::{ClientDetails, ClientKind, OwnWords};

    use super::*;

    fn client(id: &str, name: &str, origin: ClientOrigin) -> Client {
        Client {
            id: id.parse().unwrap(),
            name: name.to_owned(),
            kind: ClientKind::Public,
            secret_hash: None,
            redirect_uris: Vec::new(),
            logout_uris: Vec::new(),
            scopes: Vec::new(),
            details: ClientDetails {
                origin,
                agent: true,
                ..ClientDetails::for_kind(ClientKind::Public)
            },
            created_at: Timestamp::from_seconds(1),
            disabled_at: None,
        }
    }

    #[test]
    fn of_a_client_by_its_document_the_host_is_what_counts() {
        let id = "https://agent.example/oauth/client.json";
        let asker = AskerView::of(&client(id, "Your bank", ClientOrigin::Document));
        assert_eq!(asker.called(), "agent.example");
        assert_eq!(
            (asker.host.as_deref(), asker.id.as_deref(), asker.unchecked),
            (Some("agent.example"), Some(id), true)
        );
        assert!(asker.is_elsewhere("https://other.example/cb"));
        assert!(!asker.is_elsewhere("https://agent.example/cb"));
        let with_port = client("https://agent.example:8443/c", "X", ClientOrigin::Document);
        assert_eq!(AskerView::of(&with_port).called(), "agent.example:8443");
    }

    #[test]
    fn of_one_that_registered_itself_nothing_is_known() {
        let asker = AskerView::of(&client("dyn-1", "Your bank", ClientOrigin::Dynamic));
        assert_eq!(asker.called(), "an application that registered itself");
        assert!(
            asker.unchecked && asker.host.is_none() && !asker.is_elsewhere("https://a.example")
        );
        let asker = AskerView::of(&client("bank", "Your bank", ClientOrigin::Registered));
        assert_eq!(asker.called(), "Your bank");
        assert!(!asker.unchecked);
    }

    #[test]
    fn a_name_that_a_client_gave_itself_stays_on_its_line() {
        assert_eq!(plain("  Claude \n\tCode "), "Claude Code");
        assert_eq!(plain("safe\u{202e}elif"), "safeelif");
        assert_eq!(plain("نرم\u{200c}افزار"), "نرم\u{200c}افزار");
        assert_eq!(plain("a\u{301}\u{301}\u{301}\u{301}b"), "a\u{301}\u{301}b");
        let long = plain(&"word ".repeat(50));
        assert!(
            long.chars().count() <= NAME && long.ends_with('…'),
            "{long}"
        );
    }

    #[test]
    fn links_are_told_by_their_host_and_lead_only_to_https() {
        let mut told = client("dyn-1", "X", ClientOrigin::Dynamic);
        told.details.own_words = OwnWords {
            client_uri: Some("https://bücher.example/a\"b".to_owned()),
            policy_uri: Some("javascript:alert(1)".to_owned()),
            tos_uri: Some("https://bank.example@evil.example/".to_owned()),
            ..OwnWords::default()
        };
        let links = AskerView::of(&told).links;
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].host, "xn--bcher-kva.example");
        assert_eq!(links[0].href, "https://xn--bcher-kva.example/a%22b");
        told.details.origin = ClientOrigin::Registered;
        assert!(AskerView::of(&told).links.is_empty());
    }
}
