//! What somebody could do with a route, from its methods and from plain words in its path and its handler's name.
//!
//! Methods say whether it reads or writes, and words do not: a `GET` that is called `delete_user` still counts
//! as one that reads, for guesses in either direction would teach reviewers to ignore the field. Words only ever
//! add. They are whole words of a short table, so that `/administer-medicine` and `/tokenless` are left alone.

use crate::{Kind, Methods, Risk, Route};

/// Words that say that a route manages others, or the application itself.
pub const ADMINISTERS: &[&str] = &[
    "admin",
    "administration",
    "administrator",
    "administrators",
    "admins",
    "backup",
    "backups",
    "config",
    "configuration",
    "debug",
    "impersonate",
    "impersonation",
    "maintenance",
    "migrate",
    "migrations",
    "permission",
    "permissions",
    "restart",
    "role",
    "roles",
    "shutdown",
    "sudo",
    "superadmin",
    "superuser",
    "superusers",
];

/// Words that say that a route hands out or takes secrets or tokens.
pub const SECRETS: &[&str] = &[
    "apikey",
    "apikeys",
    "credential",
    "credentials",
    "jwt",
    "login",
    "mfa",
    "oauth",
    "oauth2",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "secret",
    "secrets",
    "signin",
    "signup",
    "token",
    "tokens",
    "totp",
];

/// The same, for two words in a row.
pub const SECRET_PAIRS: &[(&str, &str)] = &[
    ("access", "key"),
    ("access", "keys"),
    ("api", "key"),
    ("api", "keys"),
    ("private", "key"),
    ("private", "keys"),
    ("sign", "in"),
    ("sign", "up"),
    ("signing", "key"),
    ("signing", "keys"),
];

/// What somebody could do with a route, in order, each once.
pub fn of(route: &Route) -> Vec<Risk> {
    let (reads, writes) = match route.kind {
        Kind::Static | Kind::Docs | Kind::Frontend => (true, false),
        // Of another application nothing is known, and a WebSocket goes both ways.
        Kind::Mount | Kind::Websocket => (true, true),
        Kind::Http => by_methods(&Methods::of(route)),
    };
    if route.kind == Kind::Docs {
        // FastAPI calls one of its pages `/docs/oauth2-redirect`. No secret is in it.
        return vec![Risk::Reads];
    }
    let mut words = words(&route.path);
    // A word of the path and one of the handler's name are not in a row.
    words.push(String::new());
    let name = route.endpoint.as_deref().unwrap_or_default();
    words.extend(self::words(
        name.rsplit_once(':').map_or(name, |(_, name)| name),
    ));

    let administers = words
        .iter()
        .any(|word| ADMINISTERS.contains(&word.as_str()));
    let secrets = words.iter().any(|word| SECRETS.contains(&word.as_str()))
        || words
            .windows(2)
            .any(|pair| matches!(pair, [first, second] if SECRET_PAIRS.contains(&(first, second))));
    [
        (reads, Risk::Reads),
        (writes, Risk::Writes),
        (administers, Risk::Administers),
        (secrets, Risk::Secrets),
    ]
    .into_iter()
    .filter_map(|(is, risk)| is.then_some(risk))
    .collect()
}

fn by_methods(methods: &Methods) -> (bool, bool) {
    let safe = |method: &&str| matches!(*method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY");
    match methods {
        Methods::All | Methods::Websocket => (true, true),
        Methods::These(_) => {
            let each = methods.each();
            let reading = each.iter().filter(|method| safe(method)).count();
            (reading > 0, reading < each.len())
        }
    }
}

/// The words of a path or a name, in small letters: `/apiKeys/{user_id}` is `api keys user id`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last_small = false;
    for c in text.chars() {
        let begins = !c.is_alphanumeric() || c.is_uppercase() && last_small;
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        last_small = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::route;

    fn risk(methods: &str, path: &str, endpoint: &str) -> String {
        let mut route = route(methods, path);
        route.endpoint = Some(endpoint.to_owned());
        let names: Vec<String> = of(&route)
            .iter()
            .map(|risk| format!("{risk:?}").to_lowercase())
            .collect();
        names.join(" ")
    }

    #[test]
    fn methods_say_whether_it_reads_or_writes() {
        assert_eq!(risk("GET", "/x", "m:x"), "reads");
        assert_eq!(risk("POST", "/x", "m:x"), "writes");
        assert_eq!(risk("GET,DELETE", "/x", "m:x"), "reads writes");
        assert_eq!(risk("*", "/x", "m:x"), "reads writes");
        assert_eq!(risk("WEBSOCKET", "/x", "m:x"), "reads writes");
        assert_eq!(risk("PURGE", "/x", "m:x"), "writes");
    }

    #[test]
    fn a_get_that_is_called_delete_is_not_guessed_to_write() {
        assert_eq!(risk("GET", "/users/{id}/delete", "m:delete_user"), "reads");
    }

    #[test]
    fn files_are_read_and_mounts_may_be_anything() {
        let of_kind = |kind| {
            let mut route = route("*", "/static");
            route.kind = kind;
            of(&route)
        };
        assert_eq!(of_kind(Kind::Static), [Risk::Reads]);
        assert_eq!(of_kind(Kind::Docs), [Risk::Reads]);
        let mut redirect = route("GET", "/docs/oauth2-redirect");
        redirect.kind = Kind::Docs;
        assert_eq!(of(&redirect), [Risk::Reads]);
        assert_eq!(of_kind(Kind::Mount), [Risk::Reads, Risk::Writes]);
    }

    #[test]
    fn whole_words_of_path_and_handler_say_more() {
        assert_eq!(risk("GET", "/admin/users", "m:x"), "reads administers");
        assert_eq!(risk("GET", "/x", "m:Admin.setRole"), "reads administers");
        assert_eq!(risk("POST", "/login", "m:x"), "writes secrets");
        assert_eq!(risk("GET", "/verify/{token}", "m:x"), "reads secrets");
        assert_eq!(risk("GET", "/x", "m:listApiKeys"), "reads secrets");
        assert_eq!(
            risk("PUT", "/admin/api-keys", "m:x"),
            "writes administers secrets"
        );
    }

    #[test]
    fn parts_of_words_and_the_names_of_modules_say_nothing() {
        assert_eq!(risk("GET", "/administer-medicine", "m:x"), "reads");
        assert_eq!(risk("GET", "/tokenless", "m:x"), "reads");
        assert_eq!(risk("GET", "/keys", "app.admin.tokens:list"), "reads");
        assert_eq!(risk("GET", "/api", "m:keys"), "reads");
    }

    #[test]
    fn the_tables_are_in_order_and_in_small_letters() {
        for table in [ADMINISTERS, SECRETS] {
            assert!(table.is_sorted());
            assert!(table.iter().all(|word| word.to_lowercase() == *word));
        }
        assert!(SECRET_PAIRS.is_sorted());
    }
}
