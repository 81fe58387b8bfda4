//! `sealgate key`: the keys that sign tokens and the revocation feed.

use clap::{Args, Subcommand};
use sealgate_server::admin::{KeyMove, KeyPlan, KeyView, Keys, Rotation, Why};
use sealgate_store::KeyState;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, date};
use crate::place::Place;
use crate::receipt::Wait;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List signing keys
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Let the next key sign; what the present one signed stays valid until it expires
    Rotate(Rotate),
    /// Take a key that may have leaked out of use at once: what it signed is refused everywhere
    Revoke {
        /// The key's id, as `key list` shows it
        kid: Kid,
        #[command(flatten)]
        wait: Wait,
        #[command(flatten)]
        place: Place,
    },
    /// Show what would happen to the keys when, unless somebody intervenes
    Plan {
        /// How far to look ahead: a number and `h`, `d`, `w` or `y`; ten years at most
        #[arg(long = "for", value_name = "TIME", default_value = "1y", value_parser = seconds)]
        horizon: u64,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Only the keys of this algorithm; otherwise those of every one in use
    #[arg(long, value_name = "NAME")]
    algorithm: Option<String>,
    /// Even if the next key has not been published for the 5 minutes that clients may cache the key
    /// set; they may refuse what it signs until then
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    place: Place,
}

/// A key id that can stand in a path.
#[derive(Debug, Clone)]
pub(crate) struct Kid(String);

impl std::str::FromStr for Kid {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a key id is 16 hexadecimal digits")
        }
    }
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List { place } => {
            let door = Door::open(&place, None).await?;
            let keys: Keys = door.get("/keys", &[]).await?;
            output::print(json, &keys.keys, |keys| listed(keys))
        }
        Command::Rotate(Rotate {
            algorithm,
            now,
            place,
        }) => {
            let door = Door::open(&place, None).await?;
            let keys: Keys = door
                .post("/keys/rotate", &Rotation { algorithm, now })
                .await?;
            output::print(json, &keys.keys, |keys| listed(keys))
        }
        Command::Revoke { kid, wait, place } => {
            let door = Door::open(&place, None).await?;
            let keys: Keys = door.post(&format!("/keys/{}/revoke", kid.0), &()).await?;
            wait.done(&door, json, &keys.keys, |keys| revoked(&kid.0, keys))
                .await
        }
        Command::Plan { horizon, place } => {
            let door = Door::open(&place, None).await?;
            let query = [("horizon", Some(horizon.to_string()))];
            let plan: KeyPlan = door.get("/keys/plan", &query).await?;
            output::print(json, &plan, planned)
        }
    }
}

/// The seconds of `90d`, `1y`.
fn seconds(text: &str) -> Result<u64, &'static str> {
    const HOUR: u64 = 3600;
    const WRONG: &str = "a time is a number and h, d, w or y, such as 90d, and at most ten years";
    let unit = match text.bytes().last() {
        Some(b'h') => HOUR,
        Some(b'd') => 24 * HOUR,
        Some(b'w') => 7 * 24 * HOUR,
        Some(b'y') => 365 * 24 * HOUR,
        _ => return Err(WRONG),
    };
    let number = text.get(..text.len() - 1).unwrap_or_default();
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds <= 10 * 365 * 24 * HOUR)
        .ok_or(WRONG)
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

fn revoked(kid: &str, keys: &[KeyView]) -> Text {
    Text {
        talk: format!(
            "Key {kid} is gone. Gates refuse what it signed from now on; other clients may go on accepting \
             it while they cache the key set, up to 5 minutes.\n"
        ),
        ..listed(keys)
    }
}

fn planned(plan: &KeyPlan) -> Text {
    let rows: Vec<[String; 5]> = plan.moves.iter().map(row).collect();
    let text = output::table(
        ["WHEN", "KEY", "ALGORITHM", "CHANGE", "WHY"],
        &rows,
        "Nothing would happen to the keys in that time.",
    );
    if plan.complete {
        return text;
    }
    Text {
        talk: format!(
            "There is more: these are the first {} changes.\n",
            rows.len()
        ),
        ..text
    }
}

fn row(planned: &KeyMove) -> [String; 5] {
    let key = match (&planned.kid, planned.new) {
        (Some(kid), _) => kid.clone(),
        (None, Some(number)) => format!("new {number}"),
        (None, None) => String::new(),
    };
    let change = match planned.from {
        Some(from) => format!("{} -> {}", from.as_str(), planned.to.as_str()),
        None => format!("made, {}", planned.to.as_str()),
    };
    let why = match planned.why {
        Why::Missing => "there is none",
        Why::Scheduled => "on schedule",
        Why::Outlived => "what it signed has expired",
    };
    [
        date(planned.at),
        key,
        planned.algorithm.clone(),
        change,
        why.to_owned(),
    ]
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
        assert!(revoked("d4", &keys).talk.starts_with("Key d4 is gone."));
    }

    #[test]
    fn a_plan_tells_when_which_key_does_what_and_why() {
        let step = |minutes: i64, kid: Option<&str>, from, to, why| KeyMove {
            at: Timestamp::from_millis(1_795_338_300_000 + minutes * 60_000),
            kid: kid.map(str::to_owned),
            new: kid.is_none().then_some(1),
            algorithm: "EdDSA".to_owned(),
            from,
            to,
            why,
        };
        let (next, active) = (Some(KeyState::Next), Some(KeyState::Active));
        let mut plan = KeyPlan {
            moves: vec![
                step(0, Some("b2"), active, KeyState::Retiring, Why::Scheduled),
                step(0, Some("c3"), next, KeyState::Active, Why::Scheduled),
                step(0, None, None, KeyState::Next, Why::Scheduled),
                step(
                    66,
                    Some("b2"),
                    Some(KeyState::Retiring),
                    KeyState::Gone,
                    Why::Outlived,
                ),
            ],
            complete: true,
        };
        insta::assert_snapshot!(planned(&plan).data);
        assert_eq!(planned(&plan).talk, "");
        plan.complete = false;
        assert_eq!(
            planned(&plan).talk,
            "There is more: these are the first 4 changes.\n"
        );
    }

    #[test]
    fn a_time_to_look_ahead_has_a_unit_and_a_limit() {
        assert_eq!(seconds("12h"), Ok(12 * 3600));
        assert_eq!(seconds("90d"), Ok(90 * 24 * 3600));
        assert_eq!(seconds("2w"), Ok(14 * 24 * 3600));
        assert_eq!(seconds("10y"), Ok(10 * 365 * 24 * 3600));
        for wrong in [
            "",
            "y",
            "1",
            "-1d",
            "1.5d",
            "11y",
            "99999999999999999999y",
            "1\u{fc}",
        ] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_id_cannot_lead_to_another_path() {
        assert!("00ff00ff00ff00ff".parse::<Kid>().is_ok());
        for wrong in ["", "..", "a/b", "a?b", "%2e", &"a".repeat(65)] {
            assert!(wrong.parse::<Kid>().is_err(), "{wrong}");
        }
    }
}
