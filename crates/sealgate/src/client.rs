//! `sealgate client`: the applications people sign in to.

use clap::{Args, Subcommand};
use sealgate_model::ClientId;
use sealgate_server::admin::{ClientView, Clients, CreatedClient, NewClient};
use sealgate_store::ClientKind;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::{IssuerArgument, Place};
use crate::screen;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Register a client and print the settings its gate needs
    Add(Add),
    /// List clients
    List {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "The settings on stdout can be appended to the application's environment file. The secret is\n\
                        shown this once. The application's own seal key comes from `sealgate seal-key generate`."
)]
pub(crate) struct Add {
    /// The name people read on the sign-in page
    name: String,
    /// Where codes may be sent, compared exactly: the application's URL with /auth/callback; repeat for more
    #[arg(long = "redirect-uri", value_name = "URI", required = true)]
    redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout, compared exactly; repeat for more
    #[arg(long = "logout-uri", value_name = "URI")]
    logout_uris: Vec<String>,
    /// A scope it may ask for beside `openid`, `profile`, `email` and `offline_access`; repeat for more
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A client that cannot keep a secret, such as a native or single-page application
    #[arg(long)]
    public: bool,
    /// Its `client_id`; by default made from the name
    #[arg(long)]
    id: Option<ClientId>,
    #[command(flatten)]
    issuer: IssuerArgument,
    #[command(flatten)]
    place: Place,
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let new = NewClient {
                id: add.id,
                name: add.name,
                kind: if add.public {
                    ClientKind::Public
                } else {
                    ClientKind::Confidential
                },
                redirect_uris: add.redirect_uris,
                logout_uris: add.logout_uris,
                scopes: add.scopes,
            };
            let door = Door::open(&add.place, add.issuer.issuer).await?;
            let created: CreatedClient = door.post("/clients", &new).await?;
            match created.secret {
                Some(_) => output::print_once(json, &created, added, || {
                    format!(
                        "the secret of {} is lost; register the client again under another id",
                        created.client.id
                    )
                })?,
                None => output::print(json, &created, added)?,
            }
        }
        Command::List { place } => {
            let all: Clients = Door::open(&place, None).await?.get("/clients", &[]).await?;
            output::print(json, &all.clients, |clients| listed(clients))?;
        }
    }
    Ok(())
}

fn added(created: &CreatedClient) -> Text {
    let CreatedClient {
        client,
        secret,
        issuer,
    } = created;
    let secret_line = secret
        .as_ref()
        .map(|secret| format!("SEALGATE_CLIENT_SECRET={secret}\n"));
    let once = if secret.is_some() {
        " Its secret is shown this once:"
    } else {
        ""
    };
    Text {
        data: format!(
            "SEALGATE_ISSUER={issuer}\nSEALGATE_CLIENT_ID={}\n{}",
            client.id,
            secret_line.unwrap_or_default()
        ),
        talk: format!(
            "Added {}, client {}.{once}\n",
            screen::clean(&client.name),
            client.id
        ),
    }
}

fn listed(clients: &[ClientView]) -> Text {
    let rows: Vec<[String; 6]> = clients
        .iter()
        .map(|client| {
            let kind = match client.kind {
                ClientKind::Confidential => "confidential",
                ClientKind::Public => "public",
            };
            [
                client.id.to_string(),
                client.name.clone(),
                kind.to_owned(),
                client.redirect_uris.join(" "),
                client.scopes.join(" "),
                date(client.created_at),
            ]
        })
        .collect();
    let empty =
        "There are no clients yet. Add one with `sealgate client add NAME --redirect-uri URI`.";
    output::table(
        ["ID", "NAME", "KIND", "REDIRECT URIS", "SCOPES", "CREATED"],
        &rows,
        empty,
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    fn client(kind: ClientKind) -> ClientView {
        ClientView {
            id: "expense-tracker-k3m9xq".parse().unwrap(),
            name: "Expense Tracker".to_owned(),
            kind,
            redirect_uris: vec!["https://expenses.example/auth/callback".to_owned()],
            logout_uris: Vec::new(),
            scopes: vec!["openid".to_owned(), "expenses:read".to_owned()],
            created_at: Timestamp::from_millis(1_795_338_305_000),
        }
    }

    #[test]
    fn an_added_client_prints_the_settings_of_its_gate() {
        let created = CreatedClient {
            client: client(ClientKind::Confidential),
            secret: Some("s3cret".to_owned()),
            issuer: "https://id.example".parse().unwrap(),
        };
        insta::assert_snapshot!(added(&created).data, @r"
        SEALGATE_ISSUER=https://id.example
        SEALGATE_CLIENT_ID=expense-tracker-k3m9xq
        SEALGATE_CLIENT_SECRET=s3cret
        ");
        insta::assert_snapshot!(added(&created).talk, @"Added Expense Tracker, client expense-tracker-k3m9xq. Its secret is shown this once:");
    }

    #[test]
    fn a_public_client_has_no_secret() {
        let created = CreatedClient {
            client: client(ClientKind::Public),
            secret: None,
            issuer: "https://id.example".parse().unwrap(),
        };
        assert!(!added(&created).data.contains("SECRET"));
        assert!(!added(&created).talk.contains("secret"));
    }

    #[test]
    fn clients_are_listed_as_a_table() {
        insta::assert_snapshot!(
            listed(&[client(ClientKind::Confidential), client(ClientKind::Public)]).data
        );
    }
}
