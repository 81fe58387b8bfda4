//! Requests that mean the same to a router and something else to a gate, or the other way round.

use crate::request::{Header, Pair, Request};
use crate::template;

/// How many public routes lend their paths to mutants.
const LENDERS: usize = 3;

/// Last parts of paths that home-made gates let through.
const USUALLY_EXEMPT: [&str; 4] = ["health", "docs", "openapi.json", "login"];

/// Mutants of a request's path and query. `publics` are paths that strangers are known to get.
pub(crate) fn of_path(template: &str, request: &Request, publics: &[String]) -> Vec<Request> {
    let path = request.path.as_str();
    let bare = path.trim_end_matches('/');
    let mut queried = request.clone();
    queried.query.push(Pair {
        name: "next".to_owned(),
        value: "/health".to_owned(),
        shown: "/health".to_owned(),
    });
    // What is added to the root is simply another path.
    if bare.is_empty() {
        return vec![queried];
    }
    let mut paths = vec![
        format!("{bare}/health"),
        format!("{bare}/openapi.json"),
        format!("{bare}.json"),
        format!("{bare};"),
        format!("{bare};/health"),
        format!("{bare}/..;/health"),
        format!("/health/..;{path}"),
        format!("/{path}"),
        if path.ends_with('/') {
            bare.to_owned()
        } else {
            format!("{path}/")
        },
        path.to_ascii_uppercase(),
    ];
    if let Some(at) = bare.rfind('/') {
        let (above, last) = bare.split_at(at);
        paths.push(format!("{above}/{last}"));
        if at > 0 {
            paths.push(format!("{above}%2f{}", &last[1..]));
        }
        paths.extend(encoded_letter(above, last));
    }
    // A gate that looks at the end of a path is passed where the caller chooses the end.
    if let Some(name) = template::ends_open(template) {
        let ends = publics.iter().filter_map(|path| path.rsplit('/').next());
        let ends = USUALLY_EXEMPT.into_iter().chain(ends.take(LENDERS));
        for end in ends.filter(|end| !end.is_empty()) {
            let value = |other: &str| (other == name).then(|| end.to_owned());
            paths.extend(template::fill(template, value));
        }
    }
    for public in publics.iter().take(LENDERS).filter(|path| path.len() > 1) {
        paths.push(format!("{public}{path}"));
    }
    let mut mutants: Vec<Request> = Vec::new();
    for other in paths {
        let known = other == path || mutants.iter().any(|mutant| mutant.path == other);
        if !known {
            let mut mutant = request.clone();
            mutant.path = other;
            mutants.push(mutant);
        }
    }
    mutants.push(queried);
    mutants
}

/// The same path to whoever decodes it, and another to whoever does not.
fn encoded_letter(above: &str, last: &str) -> Option<String> {
    let letter = last
        .as_bytes()
        .get(1)
        .filter(|byte| byte.is_ascii_alphanumeric())?;
    Some(format!("{above}/%{letter:02x}{}", &last[2..]))
}

/// Mutants of the `Host` header, of which some frameworks make the path that gates look at.
pub(crate) fn of_host(request: &Request, publics: &[String]) -> Vec<Request> {
    let lent = publics.iter().take(LENDERS).map(|path| format!("x{path}?"));
    let hosts = ["evil.example", "localhost", "127.0.0.1", "x/health?"];
    let hosts = hosts.into_iter().map(str::to_owned).chain(lent);
    hosts
        .map(|host| request.clone().with(Header::plain("Host", &host)))
        .collect()
}

/// Headers that only a proxy should set, and that override what the request is.
pub(crate) fn of_headers(request: &Request) -> Vec<Request> {
    let groups: [&[(&str, &str)]; 4] = [
        &[
            ("X-HTTP-Method-Override", "OPTIONS"),
            ("X-HTTP-Method", "OPTIONS"),
            ("X-Method-Override", "OPTIONS"),
        ],
        &[("X-Original-URL", "/health"), ("X-Rewrite-URL", "/health")],
        &[
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Real-IP", "127.0.0.1"),
            ("Forwarded", "for=127.0.0.1"),
            ("X-Forwarded-Host", "localhost"),
        ],
        &[
            ("X-Forwarded-User", "admin"),
            ("X-Forwarded-Email", "admin@example.com"),
            ("X-Remote-User", "admin"),
            ("Remote-User", "admin"),
            ("X-User", "admin"),
            ("X-User-Id", "1"),
        ],
    ];
    let mutant = |group: &&[(&str, &str)]| {
        let headers = group.iter();
        headers.fold(request.clone(), |request, (name, value)| {
            request.with(Header::plain(name, value))
        })
    };
    groups.iter().map(mutant).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::request::Channel;

    fn request(path: &str) -> Request {
        Request::new(Channel::Http, "GET", path)
    }

    #[test]
    fn the_mutants_of_a_path_read_well() {
        let publics = ["/ping".to_owned(), "/public/info".to_owned()];
        let mutants = of_path("/keys/{name}", &request("/keys/1"), &publics);
        let lines: Vec<String> = mutants.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_mutants_of_headers_read_well() {
        let publics = ["/ping".to_owned()];
        let mut mutants = of_host(&request("/a"), &publics);
        mutants.extend(of_headers(&request("/a")));
        let lines: Vec<String> = mutants.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    proptest! {
        #[test]
        fn no_mutant_is_the_request_itself(path in "/[a-z0-9/%-]{0,12}", public in "/[a-z]{0,5}") {
            let request = request(&path);
            let publics = [public];
            let all = [of_path(&path, &request, &publics), of_host(&request, &publics), of_headers(&request)];
            for mutant in all.iter().flatten() {
                prop_assert_ne!(mutant, &request);
                prop_assert!(mutant.path.starts_with('/'));
            }
        }
    }
}
