//! `sealgate key`: the keys that sign tokens and the revocation feed.

use clap::Subcommand;
use sealgate_server::admin::{KeyView, Keys, Rotation};
use sealgate_store::KeyState;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List signing keys
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Let the next key sign; what the present one signed stays valid until it expires
    Rotate {
        #[command(flatten)]
        place: Place,
        /// Even if the next key has not been published for the 5 minutes that clients may cache the key
        /// set; they may refuse what it signs until then
        #[arg(long)]
        now: bool,
    },
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    let keys: Keys = match command {
        Command::List { place } => Door::open(&place, None).await?.get("/keys", &[]).await?,
        Command::Rotate { place, now } => {
            Door::open(&place, None)
                .await?
                .post("/keys/rotate", &Rotation { now })
                .await?
        }
    };
    output::print(json, &keys.keys, |keys| listed(keys))
}

fn listed(keys: &[KeyView]) -> Text {
    let rows: Vec<[String; 5]> = keys
        .iter()
        .map(|key| {
            let state = match key.state {
                KeyState::Next => "next: published, does not sign yet",
                KeyState::Active => "active: signs",
                KeyState::Retiring => "retiring: published, signs no more",
                KeyState::Gone => "gone",
            };
            [
                key.kid.clone(),
                key.algorithm.clone(),
                state.to_owned(),
                date(key.changed_at),
                date(key.created_at),
            ]
        })
        .collect();
    output::table(
        ["KID", "ALGORITHM", "STATE", "SINCE", "CREATED"],
        &rows,
        "There are no signing keys.",
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    #[test]
    fn keys_are_listed_with_what_their_state_means() {
        let key = |kid: &str, state| KeyView {
            kid: kid.to_owned(),
            algorithm: "EdDSA".to_owned(),
            state,
            created_at: Timestamp::from_millis(1_795_338_305_000),
            changed_at: Timestamp::from_millis(1_795_342_305_000),
        };
        let keys = [
            key("a1", KeyState::Retiring),
            key("b2", KeyState::Active),
            key("c3", KeyState::Next),
        ];
        insta::assert_snapshot!(listed(&keys).data);
    }
}
