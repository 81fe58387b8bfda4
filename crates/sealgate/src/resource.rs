//! `sealgate resource`: what tokens can be for.

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{
    NewResource, ResourcePatch, ResourceView, Resources, ScopeText, ToolText,
};

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
    /// Open it to AI agents: clients that no administrator registered may ask their users for it
    #[arg(long)]
    agents: bool,
    /// What an AI agent can call there, what that does in words, and the scopes it takes with a comma between; repeat
    /// for more
    #[arg(long = "tool", value_name = "NAME=WORDS[=SCOPES]", value_parser = tool)]
    tools: Vec<ToolText>,
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
    /// Whether it is open to AI agents that no administrator registered
    #[arg(long, value_name = "true|false")]
    agents: Option<bool>,
    /// What an AI agent can call there, in place of all earlier ones; repeat for more
    #[arg(long = "tool", value_name = "NAME=WORDS[=SCOPES]", value_parser = tool)]
    tools: Vec<ToolText>,
    /// From now on nothing is said of what can be called there
    #[arg(long, conflicts_with = "tools")]
    no_tools: bool,
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

/// `add_note=Add a note=notes:write`. What is behind the last `=` are the scopes, if it looks like them.
fn tool(text: &str) -> Result<ToolText, &'static str> {
    const FORM: &str = "give the tool, what it does and the scopes it takes, as in add_note='Add a note'=notes:write";
    let (name, rest) = text.split_once('=').ok_or(FORM)?;
    let (description, scopes) = match rest.rsplit_once('=') {
        Some((description, scopes)) if !scopes.contains(' ') => (description, scopes),
        _ => (rest, ""),
    };
    let scopes = scopes.split(',').filter(|scope| !scope.is_empty());
    Ok(ToolText {
        name: name.to_owned(),
        description: description.to_owned(),
        scopes: scopes.map(str::to_owned).collect(),
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
                agents: add.agents,
                tools: add.tools,
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
                agents: update.agents,
                tools: Some(update.tools).filter(|tools| update.no_tools || !tools.is_empty()),
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
        (
            "Open to agents",
            if resource.agents { "yes" } else { "no" }.to_owned(),
        ),
        ("Registered", date(resource.created_at)),
    ];
    for scope in &resource.scopes {
        rows.push(("Scope", format!("{}: {}", scope.name, scope.description)));
    }
    for tool in &resource.tools {
        let takes = match &tool.scopes[..] {
            [] => String::new(),
            scopes => format!(" (takes {})", scopes.join(" ")),
        };
        rows.push((
            "Tool",
            format!("{}: {}{takes}", tool.name, tool.description),
        ));
    }
    output::fields(&rows)
}

fn listed(resources: &[ResourceView]) -> Text {
    let rows: Vec<[String; 5]> = resources
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
                if resource.agents { "yes" } else { "" }.to_owned(),
                scopes.join(" "),
            ]
        })
        .collect();
    let empty = "There are no resources yet. Add one with `sealgate resource add URI NAME`.";
    output::table(
        ["URI", "NAME", "SERVED BY", "AGENTS", "SCOPES"],
        &rows,
        empty,
    )
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
    fn a_tool_comes_with_its_words_and_scopes() {
        let both = tool("add_note=Add a note, x = y=notes:write,notes:read").unwrap();
        assert_eq!(both.description, "Add a note, x = y");
        assert_eq!(both.scopes, ["notes:write", "notes:read"]);
        let none = tool("ping=Ask whether it is there").unwrap();
        assert!(none.scopes.is_empty());
        assert_eq!(
            tool("eq=Whether a = b").unwrap().description,
            "Whether a = b"
        );
        assert!(tool("ping").is_err());
    }

    #[test]
    fn resources_are_shown_and_listed() {
        let resource = ResourceView {
            uri: "https://api.example/expenses".to_owned(),
            name: "Expenses".to_owned(),
            client: Some("tracker".parse().unwrap()),
            scopes: vec![scope("expenses:read=See your expenses").unwrap()],
            status_list: true,
            agents: true,
            tools: vec![tool("file_expense=File an expense=expenses:read").unwrap()],
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
