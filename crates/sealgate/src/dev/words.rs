//! What `sealgate dev` says when everything is up.

use serde::Serialize;

use super::folder;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::screen::clean;

/// What runs, and how to get in.
#[derive(Serialize)]
pub(super) struct Running {
    pub(super) target: String,
    pub(super) application: String,
    pub(super) control_plane: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) roles: Vec<String>,
    pub(super) clients: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) data_dir: String,
    pub(super) reload: bool,
}

pub(super) fn tell(json: bool, running: &Running) -> Result<(), Failure> {
    output::print(json, running, text)
}

fn text(running: &Running) -> Text {
    let Running {
        target,
        application,
        control_plane,
        user,
        password,
        roles,
        clients,
        scopes,
        data_dir,
        reload,
    } = running;
    let follows = if *reload {
        "starts again when a file changes"
    } else {
        "does not follow changes"
    };
    let (target, user) = (clean(target), clean(user));
    let mut rows = vec![
        (
            "Application",
            format!("{application}  ({target}, {follows})"),
        ),
        ("Sign in", format!("{application}/auth/login")),
        ("User", format!("{user}  (roles: {})", roles.join(" "))),
        ("Password", password.clone()),
        ("Control plane", control_plane.clone()),
        (
            "Seeded",
            format!("clients {}, resource {application}", clients.join(" ")),
        ),
    ];
    if !scopes.is_empty() {
        rows.push(("Scopes", scopes.join(" ")));
    }
    rows.push((
        "Administer",
        format!("sealgate session list --data-dir {data_dir}"),
    ));
    let block = output::fields(&rows).data;
    let block = block
        .lines()
        .fold(String::new(), |all, line| all + "  " + line + "\n");
    Text {
        data: format!(
            "For development on this machine only: no https, and a password that is printed.\n\n{block}\n\
             Ctrl-C stops both. {} keeps accounts for the next start; --reset forgets them.\n\n",
            folder::NAME
        ),
        ..Text::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_one_needs_is_said_at_the_start() {
        let running = Running {
            target: "hello:app".to_owned(),
            application: "http://127.0.0.1:8000".to_owned(),
            control_plane: "http://127.0.0.1:8420".to_owned(),
            user: "dev@example.com".to_owned(),
            password: "aaaaa-bbbbb-ccccc-ddddd".to_owned(),
            roles: vec!["admin".to_owned()],
            clients: vec!["app".to_owned(), "docs".to_owned()],
            scopes: vec!["expenses:read".to_owned()],
            data_dir: ".sealgate-dev/data".to_owned(),
            reload: true,
        };
        insta::assert_snapshot!(text(&running).data, @r"
        For development on this machine only: no https, and a password that is printed.

          Application    http://127.0.0.1:8000  (hello:app, starts again when a file changes)
          Sign in        http://127.0.0.1:8000/auth/login
          User           dev@example.com  (roles: admin)
          Password       aaaaa-bbbbb-ccccc-ddddd
          Control plane  http://127.0.0.1:8420
          Seeded         clients app docs, resource http://127.0.0.1:8000
          Scopes         expenses:read
          Administer     sealgate session list --data-dir .sealgate-dev/data

        Ctrl-C stops both. .sealgate-dev keeps accounts for the next start; --reset forgets them.
        ");
    }
}
