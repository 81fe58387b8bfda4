//! The authorization server that the resource names (RFC 8414, RFC 9207, MCP authorization).

use serde_json::Value;
use url::Url;

use super::super::super::report::Report;
use super::super::facts::{Facts, Page};
use super::super::look::{issuer, servers};
use super::super::play::{has, server_places};
use super::super::rules::Form;

/// Its metadata, in every place where clients look.
pub(super) fn metadata(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "server";
    let Some(issuer) = issuer(facts) else {
        report.skip(CHECK, "the resource names no authorization server");
        return;
    };
    let Ok(url) = Url::parse(&issuer) else {
        report.fix(CHECK, format!("{issuer} is no URL"), None);
        return;
    };
    if url.query().is_some() || url.fragment().is_some() {
        let hint = "an issuer has neither (RFC 8414, 2)".to_owned();
        report.fix(
            CHECK,
            format!("{issuer} has a query or a fragment"),
            Some(hint),
        );
    }
    let forms = [
        Form::OauthInserted,
        Form::OpenidInserted,
        Form::OpenidAppended,
    ];
    let mut served = 0;
    for place in server_places(&url, &forms) {
        let Some(page) = facts.document(&place) else {
            let error = facts
                .documents
                .get(&place)
                .and_then(|page| page.as_ref().err());
            let error = error.map_or("it was not looked at", String::as_str);
            report.warn(CHECK, format!("{place} cannot be read: {error}"), None);
            continue;
        };
        if page.status == 200 && facts.found(&place).is_some() {
            served += 1;
            one(&issuer, &place, page, report);
        } else {
            let hint = "most clients try several places, some only this one".to_owned();
            report.warn(
                CHECK,
                format!("{place} is answered {}", page.status),
                Some(hint),
            );
        }
    }
    if served == 0 {
        let hint = "serve the metadata (RFC 8414, 3)".to_owned();
        report.fix(
            CHECK,
            format!("{issuer} has no metadata where clients look"),
            Some(hint),
        );
    }
}

fn one(issuer: &str, place: &str, page: &Page, report: &mut Report) {
    const CHECK: &str = "server";
    let kind = page.header("content-type").unwrap_or_default();
    if !kind.starts_with("application/json") {
        let hint = "send it as application/json (RFC 8414, 3.2)".to_owned();
        report.fix(CHECK, format!("{place} is sent as {kind}"), Some(hint));
    }
    let named = page.text("issuer").unwrap_or_default();
    if named == issuer {
        report.good(CHECK, format!("{place} is of {issuer}"));
    } else {
        let hint = "both must be written in one way, byte by byte (RFC 8414, 3.3)".to_owned();
        let said = format!("{place} is of {named}, and the resource names {issuer}");
        report.fix(CHECK, said, Some(hint));
    }
}

/// The metadata that clients choose their way by.
pub(super) fn clients(facts: &Facts, report: &mut Report) {
    let Some((_, metadata)) = servers(facts).into_iter().next() else {
        return;
    };
    let list = |name: &str| metadata.get(name);
    if has(list("code_challenge_methods_supported"), "S256") {
        report.good("pkce", "S256 is listed");
    } else {
        let hint = "list it in code_challenge_methods_supported: clients must refuse a server that does not";
        report.fix("pkce", "S256 is not listed", Some(hint.to_owned()));
    }
    if has(list("code_challenge_methods_supported"), "plain") {
        let hint = "take it out: it protects nothing (OAuth 2.1, 7.5.2)".to_owned();
        report.fix("pkce", "plain is listed", Some(hint));
    }
    if list("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)) {
        report.good("iss", "the server names itself in its answers");
    } else {
        let hint = "send iss, and say so: clients of several servers need it (RFC 9207)".to_owned();
        report.warn(
            "iss",
            "the server does not say that it names itself in its answers",
            Some(hint),
        );
    }
    ways(&metadata, report);
    if !has(list("scopes_supported"), "offline_access") {
        let hint =
            "list it, if clients may stay signed in: they add it only if it is there".to_owned();
        report.warn(
            "renewal",
            "offline_access is not in scopes_supported",
            Some(hint),
        );
    } else if has(list("grant_types_supported"), "refresh_token") {
        report.good("renewal", "clients can ask to stay signed in");
    } else {
        let hint = "list refresh_token in grant_types_supported".to_owned();
        report.fix(
            "renewal",
            "offline_access is offered, and refresh_token is not",
            Some(hint),
        );
    }
}

fn ways(metadata: &Value, report: &mut Report) {
    const CHECK: &str = "clients";
    let documents =
        metadata.get("client_id_metadata_document_supported") == Some(&Value::Bool(true));
    let none = has(
        metadata.get("token_endpoint_auth_methods_supported"),
        "none",
    );
    let dynamic = metadata.get("registration_endpoint").is_some();
    match (documents, none, dynamic) {
        (true, true, _) => report.good(CHECK, "a client can be known by a document, without a secret"),
        (true, false, _) => report.fix(
            CHECK,
            "client_id_metadata_document_supported is true, and `none` is not in token_endpoint_auth_methods_supported",
            Some("list none: most clients take documents only where both are there".to_owned()),
        ),
        (false, _, true) => report.warn(
            CHECK,
            "clients can only register themselves",
            Some("take documents about clients as well: registrations pile up".to_owned()),
        ),
        (false, _, false) => report.warn(
            CHECK,
            "only clients that were registered beforehand can sign in",
            Some("give people a client id, or take documents about clients".to_owned()),
        ),
    }
}

/// What a client that nobody knows is answered.
pub(super) fn endpoints(facts: &Facts, report: &mut Report) {
    let Some((place, _)) = servers(facts).into_iter().next() else {
        return;
    };
    let Some(server) = facts.servers.get(&place) else {
        return;
    };
    match &server.token {
        Some(Ok(page)) => token(page, report),
        Some(Err(error)) => report.fix("unknown", format!("the token endpoint: {error}"), None),
        None => report.fix("unknown", "there is no token endpoint", None),
    }
    match &server.authorization {
        Some(Ok(page)) => authorization(page, report),
        Some(Err(error)) => report.fix(
            "redirect",
            format!("the authorization endpoint: {error}"),
            None,
        ),
        None => report.fix("redirect", "there is no authorization endpoint", None),
    }
}

fn token(page: &Page, report: &mut Report) {
    const CHECK: &str = "unknown";
    let error = page
        .text("error")
        .unwrap_or_else(|| "no error code".to_owned());
    if page.status == 401 && error == "invalid_client" {
        report.good(
            CHECK,
            "an unknown client is answered 401 invalid_client at the token endpoint",
        );
    } else {
        let hint =
            "answer 401 invalid_client: clients register anew only then (RFC 6749, 5.2)".to_owned();
        let said = format!(
            "an unknown client is answered {} {error} at the token endpoint",
            page.status
        );
        report.fix(CHECK, said, Some(hint));
    }
    let cache = page.header("cache-control").unwrap_or_default();
    if !cache.to_ascii_lowercase().contains("no-store") {
        let hint = "send Cache-Control: no-store (RFC 6749, 5.1)".to_owned();
        report.warn(
            CHECK,
            "answers of the token endpoint may be stored",
            Some(hint),
        );
    }
}

fn authorization(page: &Page, report: &mut Report) {
    const CHECK: &str = "redirect";
    let to = page.header("location").unwrap_or_default();
    if (300..400).contains(&page.status)
        && to.contains("stranger.invalid/callback")
        && !is_inside(to)
    {
        let hint =
            "show an error page: nobody vouched for that address (RFC 6749, 4.1.2.1)".to_owned();
        report.fix(
            CHECK,
            "an unknown client's redirect URI is redirected to",
            Some(hint),
        );
    } else {
        report.good(
            CHECK,
            "an unknown client's redirect URI is not redirected to",
        );
    }
}

/// Whether the address only carries the redirect URI along, as to a sign-in page.
fn is_inside(location: &str) -> bool {
    Url::parse(location).is_ok_and(|url| url.host_str() != Some("stranger.invalid"))
        || location.starts_with('/')
}
