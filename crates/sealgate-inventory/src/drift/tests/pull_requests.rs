//! What a reviewer reads: the difference of the lock file, what `check` says before it was renewed, and what it
//! goes on saying after.

use std::fmt::Write as _;

use super::*;
use crate::Actor;

fn scoped(scope: &str) -> Strength {
    Strength {
        scopes: [scope.to_owned()].into(),
        actors: [Actor::User].into(),
        ..user()
    }
}

fn before() -> Vec<Route> {
    vec![
        route("GET", "/expenses").behind("app.auth:signed_in", &scoped("expenses:read")),
        route("POST", "/expenses").behind("app.auth:signed_in", &scoped("expenses:write")),
        route("DELETE", "/expenses/{id}")
            .behind("app.auth:signed_in", &user())
            .behind("app.auth:require_admin", &admin()),
        route("GET", "/health"),
        route("GET", "/users/me").behind("app.auth:signed_in", &user()),
    ]
}

fn reviewed() -> LockFile {
    let lock = renew(&scanned(before()), None, &Config::default());
    let text = lock.to_text().replace(
        "[route.\"main:app\".\"GET /health\"]\nevidence = \"OPEN\"\n",
        "# Ask the platform team before this goes.\n[route.\"main:app\".\"GET /health\"]\n\
         class = \"public\"\nevidence = \"OPEN\"\nreason = \"load balancers ask\"\n\
         owner = \"platform\"\nexpires = 2027-06-30\n",
    );
    let text = read(&text).unwrap().to_text();
    read(&text).unwrap()
}

/// The lines of two texts, those that only one has marked, with three around them.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // The longest common part of what remains of both, from the end on.
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a][b] = if old[a] == new[b] {
                common[a + 1][b + 1] + 1
            } else {
                common[a + 1][b].max(common[a][b + 1])
            };
        }
    }
    let (mut a, mut b, mut lines) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            lines.push((' ', old[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || a < old.len() && common[a + 1][b] >= common[a][b + 1] {
            lines.push(('-', old[a]));
            a += 1;
        } else {
            lines.push(('+', new[b]));
            b += 1;
        }
    }
    let near = |at: usize| {
        let around = at.saturating_sub(3)..(at + 4).min(lines.len());
        lines[around].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    for (at, (mark, line)) in lines.iter().enumerate() {
        if near(at) {
            text.push_str(format!("{mark}{line}").trim_end());
            text.push('\n');
        } else if at > 0 && near(at - 1) {
            text.push_str("...\n");
        }
    }
    text
}

fn review(routes: Vec<Route>, today: Date) -> String {
    let inventory = scanned(routes);
    let config = Config::default();
    let old = reviewed();
    let new = renew(&inventory, Some(&old), &config);
    let new = read(&new.to_text()).unwrap();
    let mut text = String::new();
    let sections = [
        ("check", told(&compare(&old, &inventory, &config, today))),
        ("lock", difference(&old.to_text(), &new.to_text())),
        (
            "check after lock",
            told(&compare(&new, &inventory, &config, today)),
        ),
    ];
    for (name, section) in sections {
        let section = if section.is_empty() {
            "nothing"
        } else {
            section.trim_end()
        };
        let _ = writeln!(text, "== {name}\n{section}\n");
    }
    text
}

macro_rules! review {
    ($name:ident, |$routes:ident| $change:expr) => {
        #[test]
        fn $name() {
            let mut $routes = before();
            $change;
            insta::assert_snapshot!(review($routes, TODAY));
        }
    };
}

review!(nothing_changed, |routes| routes.reverse());

review!(a_lost_gate, |routes| routes[1] = route("POST", "/expenses"));

review!(a_dropped_role, |routes| {
    routes[2] = route("DELETE", "/expenses/{id}")
        .behind("app.auth:signed_in", &user())
        .behind(
            "app.auth:require_admin",
            &Strength {
                roles: [].into(),
                ..admin()
            },
        );
});

review!(more_actors, |routes| {
    let mut wider = scoped("expenses:read");
    wider.actors.insert(Actor::Agent);
    routes[0] = route("GET", "/expenses").behind("app.auth:signed_in", &wider);
});

review!(a_lower_level, |routes| {
    routes[2] = route("DELETE", "/expenses/{id}").behind("app.auth:signed_in", &user());
});

review!(a_new_gated_route, |routes| {
    routes.push(route("GET", "/receipts").behind("app.auth:signed_in", &user()));
});

review!(a_new_open_route, |routes| routes
    .push(route("POST", "/expenses/import")));

review!(a_removed_route, |routes| drop(routes.remove(4)));

review!(a_public_route_behind_a_gate, |routes| {
    routes[3] = route("GET", "/health").behind("app.auth:signed_in", &user());
});

#[test]
fn an_expired_declaration() {
    insta::assert_snapshot!(review(before(), date(2027, 7, 1)));
}

review!(a_renamed_handler, |routes| {
    routes[0].endpoint = Some("app.expenses:list_expenses".to_owned());
});

review!(other_methods, |routes| {
    routes[0].methods = vec!["GET".to_owned(), "QUERY".to_owned()];
});

review!(another_prefix, |routes| {
    for route in &mut routes {
        route.path = format!("/api{}", route.path);
    }
});
