//! Plans, what was applied and drift as people read them.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, stdout};
use std::path::Path;

use sealgate_plan::{Paint, render, render_changes};
use sealgate_server::admin::{AppliedState, Drift, PlannedState};

use crate::output::{Text, date};
use crate::screen::clean;

/// Whether to paint: on a terminal whose user has nothing against it (<https://no-color.org>).
fn paint() -> Paint {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stdout().is_terminal() && !refused {
        Paint::Colour
    } else {
        Paint::Plain
    }
}

pub(super) fn planned(planned: &PlannedState, out: Option<&Path>) -> Text {
    let talk = match out {
        Some(path) => format!(
            "\nThe plan is kept in {0}: sealgate apply {0}\n",
            path.display()
        ),
        None => String::new(),
    };
    Text {
        data: render(&planned.plan, paint()),
        talk,
    }
}

pub(super) fn applied(done: &AppliedState) -> Text {
    let all = done.summary;
    let mut data = if done.plan.is_empty() {
        "Nothing had to be changed.\n".to_owned()
    } else {
        format!(
            "Applied: {} created, {} changed, {} removed.\n",
            all.create, all.change, all.remove
        )
    };
    if let Some(version) = done.policy_version {
        let _ = writeln!(data, "Gates decide by version {version} of the policies.");
    }
    if done.sessions > 0 {
        let _ = writeln!(data, "Sessions that ended: {}.", done.sessions);
    }
    let mut talk = String::new();
    for made in &done.secrets {
        let _ = writeln!(data, "{} {}", clean(made.client.as_str()), made.secret);
    }
    if !done.secrets.is_empty() {
        talk.push_str(
            "Keep these secrets where each client finds its own. They are not shown again.\n",
        );
    }
    if done.unfinished {
        talk.push_str("Rows of what has ended are left over. They open nothing, and the next start ends them.\n");
    }
    Text { data, talk }
}

pub(super) fn drifted(found: &Drift) -> Text {
    let declaration = &found.declaration;
    let head = format!(
        "{} was applied {} by {}.\n",
        clean(&declaration.name),
        date(declaration.applied_at),
        clean(&declaration.applied_by)
    );
    if found.things.is_empty() {
        return Text {
            data: format!("{head}Nothing of it was changed since.\n"),
            ..Text::default()
        };
    }
    let mut data = match found.things.len() {
        1 => format!("{head}1 thing was changed outside the file since:\n"),
        more => format!("{head}{more} things were changed outside the file since:\n"),
    };
    for thing in &found.things {
        data.push_str(&render_changes(
            std::slice::from_ref(&thing.change),
            paint(),
        ));
        let _ = match &thing.by {
            Some(by) => writeln!(
                data,
                "    by {} at {} ({}, record {})",
                clean(&by.actor),
                date(by.at),
                clean(&by.action),
                by.record
            ),
            None => writeln!(data, "    by nobody that the records tell of"),
        };
    }
    Text {
        data,
        talk: "Declare what is to stay, or apply the file again.\n".to_owned(),
    }
}
