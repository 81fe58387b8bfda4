//! The MCP server as a protected resource (RFC 6750, RFC 9728, MCP authorization).

use url::Url;

use super::super::super::report::Report;
use super::super::facts::{Facts, INSPECTOR, Page, resource_places};
use super::super::play::{allowed, first_server, has};

/// Where the metadata of a whole origin are (RFC 9728, 3).
const ROOT: &str = "/.well-known/oauth-protected-resource";

/// What is answered without a token.
pub(super) fn door(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "door";
    let page = match &facts.asked {
        Ok(page) => page,
        Err(error) => {
            let hint = "start the server, or correct the URL".to_owned();
            report.fix(
                CHECK,
                format!("{} does not answer: {error}", facts.url),
                Some(hint),
            );
            return;
        }
    };
    if page.status != 401 {
        let said = format!(
            "a message without a token is answered {} and not 401",
            page.status
        );
        let hint = if (300..400).contains(&page.status) {
            let to = page.header("location").unwrap_or("elsewhere");
            format!("give the URL that it redirects to: {to}")
        } else {
            "protect the server: clients begin with its 401 (RFC 6750, 3)".to_owned()
        };
        report.fix(CHECK, said, Some(hint));
        return;
    }
    let challenges = page.challenges();
    if !challenges
        .iter()
        .any(|challenge| challenge.scheme == "bearer")
    {
        let said = match page.challenge_text() {
            None => "the 401 has no WWW-Authenticate".to_owned(),
            Some(text) => format!("the 401 has no Bearer challenge: {text}"),
        };
        let hint = "send: WWW-Authenticate: Bearer resource_metadata=\"URL\"".to_owned();
        report.fix(CHECK, said, Some(hint));
        return;
    }
    let written = page.challenge_text().unwrap_or_default();
    if !written.starts_with("Bearer ") {
        let hint = "some clients read the challenge only if it begins with `Bearer`".to_owned();
        report.warn(
            CHECK,
            format!("the challenge begins otherwise: {written}"),
            Some(hint),
        );
    }
    if page.challenged("error").is_some() {
        let hint = "leave error out where there was no token (RFC 6750, 3.1)".to_owned();
        report.warn(
            CHECK,
            "the challenge tells of an error, and no token was sent",
            Some(hint),
        );
    }
    match page.challenged("resource_metadata") {
        None => report.fix(
            CHECK,
            "the challenge does not say where the metadata are",
            Some("add resource_metadata (RFC 9728, 5.1)".to_owned()),
        ),
        Some(told) if facts.found(&told).is_none() => report.fix(
            CHECK,
            format!("the challenge names {told}, and there is no metadata there"),
            Some("correct resource_metadata, or serve the document there".to_owned()),
        ),
        Some(told) => report.good(CHECK, format!("401, and the metadata are at {told}")),
    }
    if page.challenged("scope").is_none() {
        let hint = "add scope: clients then ask for what they need, and no more".to_owned();
        report.warn(
            CHECK,
            "the challenge does not say which scopes are needed",
            Some(hint),
        );
    }
}

/// What is answered to a token that is none.
pub(super) fn bad_token(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "token";
    let Ok(page) = &facts.bad_token else {
        report.skip(CHECK, "what a bad token is answered could not be seen");
        return;
    };
    let error = page.challenged("error");
    match (page.status, error.as_deref()) {
        (401, Some("invalid_token")) => {
            report.good(CHECK, "a bad token is answered 401 invalid_token");
        }
        (401, error) => {
            let said = error.map_or("no error".to_owned(), |error| format!("error={error}"));
            let hint =
                "add error=\"invalid_token\": clients renew their token upon it (RFC 6750, 3.1)";
            report.fix(
                CHECK,
                format!("a bad token is answered 401 with {said}"),
                Some(hint.to_owned()),
            );
        }
        (status, _) => report.fix(
            CHECK,
            format!("a bad token is answered {status} and not 401"),
            Some("refuse it with 401 and error=\"invalid_token\"".to_owned()),
        ),
    }
}

/// Whether tokens in the query are read.
pub(super) fn query(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "query";
    let (Ok(plain), Ok(page)) = (&facts.asked, &facts.query_token) else {
        report.skip(
            CHECK,
            "what a token in the query is answered could not be seen",
        );
        return;
    };
    if plain.status != 401 {
        report.skip(CHECK, "the server wants no token at all");
        return;
    }
    // Who reads it finds it wrong, and says so.
    let wrong = |page: &Page| page.challenged("error").as_deref() == Some("invalid_token");
    if wrong(plain) && page.status == 401 {
        report.skip(
            CHECK,
            "every answer says invalid_token, so that it cannot be seen",
        );
        return;
    }
    let read = wrong(page);
    if read || (200..300).contains(&page.status) {
        let hint =
            "ignore access_token in the query: URLs end up in logs (OAuth 2.1, 5.1)".to_owned();
        report.fix(CHECK, "a token in the query is read", Some(hint));
    } else {
        report.good(CHECK, "a token in the query is not read");
    }
}

/// Whether pages of strangers are turned away (MCP, transports: DNS rebinding).
pub(super) fn origin(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "origin";
    let Ok(page) = &facts.foreign else {
        report.skip(CHECK, "what a foreign page is answered could not be seen");
        return;
    };
    let with_cookies = page.header("access-control-allow-credentials") == Some("true");
    let reflected = page
        .header("access-control-allow-origin")
        .is_some_and(|origin| origin.contains("stranger.invalid"));
    if with_cookies && reflected {
        let hint =
            "name the origins that may, or leave Access-Control-Allow-Credentials out".to_owned();
        report.fix(
            CHECK,
            "a page of any origin may use the cookies of its visitor",
            Some(hint),
        );
        return;
    }
    match page.status {
        403 => report.good(CHECK, "a page of a foreign origin is refused"),
        401 => report.skip(
            CHECK,
            "a page of a foreign origin is asked for a token first; whether it is refused with one cannot be seen",
        ),
        status if (200..300).contains(&status) => report.fix(
            CHECK,
            "a page of a foreign origin is answered",
            Some("check Origin and answer 403 (MCP, transports)".to_owned()),
        ),
        status => report.skip(CHECK, format!("a page of a foreign origin is answered {status}")),
    }
}

/// The resource's metadata.
pub(super) fn metadata(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "resource";
    let told = facts.asked.as_ref().ok();
    let told = told.and_then(|page| page.challenged("resource_metadata"));
    let mut places = resource_places(&facts.url);
    places.extend(told.filter(|told| !resource_places(&facts.url).contains(told)));
    for (at, place) in places.iter().enumerate() {
        match facts.documents.get(place) {
            Some(Ok(page)) if page.status == 200 => one(facts, place, page, report),
            Some(Ok(page)) => {
                let said = format!("{place} is answered {}", page.status);
                // Below the path is where the RFC puts it; the root is where older clients look.
                if at == 0 {
                    report.fix(
                        CHECK,
                        said,
                        Some("serve the metadata there (RFC 9728, 3.1)".to_owned()),
                    );
                } else {
                    let hint = "clients that know no path look there; serve it, if no other server is at this origin";
                    report.warn(CHECK, said, Some(hint.to_owned()));
                }
            }
            Some(Err(error)) => {
                report.fix(CHECK, format!("{place} cannot be read: {error}"), None);
            }
            None => {}
        }
    }
}

fn one(facts: &Facts, place: &str, page: &Page, report: &mut Report) {
    const CHECK: &str = "resource";
    let kind = page.header("content-type").unwrap_or_default();
    let Some(metadata) = page.json() else {
        report.fix(CHECK, format!("{place} is no JSON object"), None);
        return;
    };
    if !kind.starts_with("application/json") {
        let hint = "send it as application/json (RFC 9728, 3.2)".to_owned();
        report.fix(CHECK, format!("{place} is sent as {kind}"), Some(hint));
    }
    let named = page.text("resource").unwrap_or_default();
    let about_url = named == facts.url.as_str() || root(&named, &facts.url);
    // The root has metadata of its own where all of the origin is a resource, too.
    let about_root = Url::parse(place).is_ok_and(|place| place.path() == ROOT)
        && named.trim_end_matches('/') == facts.url.origin().ascii_serialization();
    if !about_url && !about_root {
        let hint = if named.trim_end_matches('/') == facts.url.as_str().trim_end_matches('/') {
            "they differ by the slash at the end: clients compare byte by byte, so that URL and metadata must agree"
        } else {
            "it must be the URL that people give their client (RFC 9728, 3.3)"
        };
        let said = format!("{place} is about {named} and not {}", facts.url);
        report.fix(CHECK, said, Some(hint.to_owned()));
    }
    if first_server(&metadata).is_none() {
        let hint = "name at least one (MCP authorization)".to_owned();
        report.fix(
            CHECK,
            format!("{place} names no authorization server"),
            Some(hint),
        );
    }
    let scopes = metadata.get("scopes_supported");
    for needless in ["offline_access", "openid"] {
        if has(scopes, needless) {
            let hint = "list what the resource itself asks for; clients request all that is listed";
            report.warn(
                CHECK,
                format!("{place} lists the scope {needless}"),
                Some(hint.to_owned()),
            );
        }
    }
    if has(metadata.get("bearer_methods_supported"), "query") {
        let hint = "leave query out (OAuth 2.1, 5.1)".to_owned();
        report.fix(
            CHECK,
            format!("{place} offers tokens in the query"),
            Some(hint),
        );
    }
    if about_url || about_root {
        report.good(CHECK, format!("{place} is about {named}"));
    }
}

/// Whether it is the same root, which is written with or without a slash (RFC 3986, 6.2.3).
fn root(named: &str, url: &Url) -> bool {
    url.path() == "/" && url.query().is_none() && format!("{named}/") == url.as_str()
}

/// The URL with or without a slash at its end.
pub(super) fn slash(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "slash";
    let (other, page) = &facts.sibling;
    let Ok(page) = page else {
        return;
    };
    match page.status {
        301..=303 => report.warn(
            CHECK,
            format!(
                "{other} redirects with {}, upon which clients turn POST into GET",
                page.status
            ),
            Some(
                "redirect with 308, or serve one of the two and answer 404 to the other".to_owned(),
            ),
        ),
        307 | 308 => report.good(CHECK, format!("{other} redirects with {}", page.status)),
        200..=299 if facts.asked.as_ref().is_ok_and(|asked| asked.status == 401) => report.fix(
            CHECK,
            format!("{other} is answered {} without a token", page.status),
            Some("protect both forms, or answer 404 to the one that is not served".to_owned()),
        ),
        401 if facts.asked.as_ref().is_ok_and(|asked| asked.status == 401) => {
            let told = page.challenged("resource_metadata");
            let named = told
                .as_deref()
                .and_then(|told| facts.found(told)?.text("resource"));
            if named.as_deref() == Some(other) || facts.url.path() == "/" {
                report.good(CHECK, format!("{other} is a resource of its own"));
            } else {
                let hint = "redirect it with 308: a client that was given it finds metadata of another URL";
                report.warn(
                    CHECK,
                    format!("{other} is served too"),
                    Some(hint.to_owned()),
                );
            }
        }
        _ => report.good(
            CHECK,
            format!(
                "only one form is served; {other} is answered {}",
                page.status
            ),
        ),
    }
}

/// What a client in a browser needs.
pub(super) fn browser(facts: &Facts, report: &mut Report) {
    const CHECK: &str = "browser";
    let mut closed = Vec::new();
    let readable = |page: &Page| page.opened_to(INSPECTOR);
    if let Ok(page) = &facts.asked
        && !(readable(page) && page.exposes("www-authenticate"))
    {
        closed.push("the challenge");
    }
    let resource = resource_places(&facts.url);
    if resource
        .iter()
        .any(|place| facts.found(place).is_some_and(|page| !readable(page)))
    {
        closed.push("the resource's metadata");
    }
    if facts.preflight.as_ref().is_ok_and(|page| !allowed(page)) {
        closed.push("messages with a token");
    }
    if closed.is_empty() {
        report.good(
            CHECK,
            "pages of other origins can use the server, as the Inspector does",
        );
    } else {
        let hint =
            "only clients in a browser need it; if there are to be such, open it to their origins";
        let said = format!("closed to pages of {INSPECTOR}: {}", closed.join(", "));
        report.warn(CHECK, said, Some(hint.to_owned()));
    }
}
