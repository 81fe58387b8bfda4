//! `sealgate resource`: what tokens can be for.

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{NewResource, ResourcePatch, ResourceView, Resources, ScopeText};

use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::screen::clean;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a resource, so that clients can be registered for it
    Add(Add),
    /// List resources
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one resource
    Show(Which),
    /// Change a resource; what is not named stays
    Update(Update),
    /// Remove a resource for which no client is registered
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its identifier: an absolute https URI, compared exactly
    uri: String,
    /// The name people read on the consent page
    name: String,
    /// The client that serves it, and so may introspect its tokens
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// A scope and what it allows, in words for the consent page; repeat for more
    #[arg(long = "scope", value_name = "SCOPE=WORDS", value_parser = scope)]
    scopes: Vec<ScopeText>,
    /// Give its tokens a place in a status list, for verifiers that follow no feed
    #[arg(long)]
    status_list: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Its identifier
    uri: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The name people read on the consent page
    #[arg(long)]
    name: Option<String>,
    /// The client that serves it
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// From now on no client serves it
    #[arg(long, conflicts_with = "client")]
    no_client: bool,
    /// A scope and what it allows, in place of all earlier ones; repeat for more
    #[arg(long = "scope", value_name = "SCOPE=WORDS", value_parser = scope)]
    scopes: Vec<ScopeText>,
    /// Whether its tokens have a place in a status list
    #[arg(long, value_name = "true|false")]
    status_list: Option<bool>,
    #[command(flatten)]
    which: Which,
}

/// `expenses:read=See your expenses`.
fn scope(text: &str) -> Result<ScopeText, &'static str> {
    let (name, description) = text
        .split_once('=')
        .ok_or("give the scope and what it allows, as in expenses:read='See your expenses'")?;
    Ok(ScopeText {
        name: name.to_owned(),
        description: description.to_owned(),
    })
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let new = NewResource {
                uri: add.uri,
                name: add.name,
                client: add.client,
                scopes: add.scopes,
                status_list: add.status_list,
            };
            let door = Door::open(&add.place, None).await?;
            let made: ResourceView = door.post("/resources", &new).await?;
            output::print(json, &made, |made| said(made, "is registered"))
        }
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            output::print(json, &every(&door).await?, |all| listed(all))
        }
        Command::Show(which) => {
            let door = Door::open(&which.place, None).await?;
            let uri = [("uri", Some(which.uri))];
            let found: ResourceView = door.get("/resource", &uri).await?;
            output::print(json, &found, shown)
        }
        Command::Update(update) => {
            let patch = ResourcePatch {
                name: update.name,
                client: if update.no_client {
                    Some(None)
                } else {
                    update.client.map(Some)
                },
                scopes: Some(update.scopes).filter(|scopes| !scopes.is_empty()),
                status_list: update.status_list,
            };
            if patch == ResourcePatch::default() {
                return Err(
                    Failure::usage("change_missing", "there is nothing to change")
                        .with_hint("see `sealgate resource update --help`"),
                );
            }
            let door = Door::open(&update.which.place, None).await?;
            let at = address(&update.which.uri);
            let changed: ResourceView = door.patch(&at, &patch).await?;
            output::print(json, &changed, shown)
        }
        Command::Remove { which, sure } => {
            sure.ask(&format!("remove the resource {}", which.uri))?;
            let door = Door::open(&which.place, None).await?;
            door.delete(&address(&which.uri)).await?;
            let done = serde_json::json!({ "removed": which.uri });
            output::print(json, &done, |_| Text {
                data: format!("{} is removed.\n", clean(&which.uri)),
                ..Text::default()
            })
        }
    }
}

fn address(uri: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("uri", uri)
        .finish();
    format!("/resource?{query}")
}

async fn every(door: &Door) -> Result<Vec<ResourceView>, Failure> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page: Resources = door.get("/resources", &[("after", after)]).await?;
        all.extend(page.resources);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn said(resource: &ResourceView, what: &str) -> Text {
    Text {
        data: format!("{} {what}.\n", clean(&resource.uri)),
        ..Text::default()
    }
}

fn shown(resource: &ResourceView) -> Text {
    let mut rows = vec![
        ("URI", resource.uri.clone()),
        ("Name", resource.name.clone()),
        (
            "Served by",
            resource
                .client
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (
            "Status list",
            if resource.status_list { "yes" } else { "no" }.to_owned(),
        ),
        ("Registered", date(resource.created_at)),
    ];
    for scope in &resource.scopes {
        rows.push(("Scope", format!("{}: {}", scope.name, scope.description)));
    }
    output::fields(&rows)
}

fn listed(resources: &[ResourceView]) -> Text {
    let rows: Vec<[String; 4]> = resources
        .iter()
        .map(|resource| {
            let scopes: Vec<&str> = resource
                .scopes
                .iter()
                .map(|scope| scope.name.as_str())
                .collect();
            [
                resource.uri.clone(),
                resource.name.clone(),
                resource
                    .client
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                scopes.join(" "),
            ]
        })
        .collect();
    let empty = "There are no resources yet. Add one with `sealgate resource add URI NAME`.";
    output::table(["URI", "NAME", "SERVED BY", "SCOPES"], &rows, empty)
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    #[test]
    fn a_scope_comes_with_its_words() {
        let read = scope("expenses:read=See your expenses = all").unwrap();
        assert_eq!(read.name, "expenses:read");
        assert_eq!(read.description, "See your expenses = all");
        assert!(scope("expenses:read").is_err());
    }

    #[test]
    fn resources_are_shown_and_listed() {
        let resource = ResourceView {
            uri: "https://api.example/expenses".to_owned(),
            name: "Expenses".to_owned(),
            client: Some("tracker".parse().unwrap()),
            scopes: vec![scope("expenses:read=See your expenses").unwrap()],
            status_list: true,
            created_at: Timestamp::from_millis(1_795_338_305_000),
        };
        insta::assert_snapshot!(shown(&resource).data);
        insta::assert_snapshot!(listed(&[resource]).data);
        assert_eq!(
            address("https://a.example/?b&c"),
            "/resource?uri=https%3A%2F%2Fa.example%2F%3Fb%26c"
        );
    }
}
