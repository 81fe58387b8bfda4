//! `sealgate anomaly`: what should worry somebody, and what to do about it.

mod text;

use clap::{Args, Subcommand, ValueEnum};
use sealgate_server::admin::{AcknowledgeAnomaly, Anomalies, AnomalyRules, AnomalyView};

use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List anomalies that are not over, newest first
    List(List),
    /// Show one anomaly: what was found, the records that show it, and what to do about it
    Show {
        /// Its number, as `anomaly list` shows it
        number: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Say that an anomaly was seen to, and why it is left as it is
    Acknowledge {
        /// Its number, as `anomaly list` shows it
        number: u64,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT")]
        why: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the rules as they are in force
    Rules {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in this state
    #[arg(long, value_enum, conflicts_with = "all")]
    state: Option<State>,
    /// Only those of this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Those that are over too
    #[arg(long)]
    all: bool,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Open,
    Acknowledged,
    Resolved,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

pub(crate) async fn run(command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(list) => {
            let door = Door::open(&list.place, None).await?;
            let query = [
                ("state", list.state.map(|state| state.as_str().to_owned())),
                ("rule", list.rule.clone()),
                ("all", list.all.then(|| "true".to_owned())),
                ("limit", Some(list.limit.to_string())),
            ];
            let page: Anomalies = door.get("/anomalies", &query).await?;
            output::print(json, &page.anomalies, |all| text::listed(all))
        }
        Command::Show { number, place } => {
            let door = Door::open(&place, None).await?;
            let one: AnomalyView = door.get(&format!("/anomalies/{number}"), &[]).await?;
            output::print(json, &one, text::shown)
        }
        Command::Acknowledge { number, why, place } => {
            let door = Door::open(&place, None).await?;
            let path = format!("/anomalies/{number}/acknowledge");
            let one: AnomalyView = door.post(&path, &AcknowledgeAnomaly { why }).await?;
            output::print(json, &one, text::acknowledged)
        }
        Command::Rules { place } => {
            let door = Door::open(&place, None).await?;
            let rules: AnomalyRules = door.get("/anomalies/rules", &[]).await?;
            output::print(json, &rules.rules, |rules| text::rules(rules))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use sealgate_audit::anomaly::builtin;

    use crate::cli::Cli;

    /// What stands between backquotes and is a command of this program, with something in place of what it is about.
    fn commands(advice: &str) -> Vec<Vec<String>> {
        let quoted = advice.split('`').skip(1).step_by(2);
        quoted
            .filter(|text| text.starts_with("sealgate "))
            .map(|text| {
                let words = text.split_whitespace();
                let known = words.map(|word| match word {
                    "{session}" | "ID" => "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
                    "NUMBER" => "7".to_owned(),
                    "{actor}" => "client:app".to_owned(),
                    "{route}" => "/a".to_owned(),
                    "CLIENT" | "EMAIL" | "TEXT" => "app".to_owned(),
                    word if word.starts_with('{') => "app".to_owned(),
                    word => word.to_owned(),
                });
                known.collect()
            })
            .collect()
    }

    #[test]
    fn every_command_that_a_rule_advises_is_one_of_this_program() {
        let mut seen = 0;
        for rule in builtin() {
            for command in commands(&rule.advice) {
                seen += 1;
                if let Err(error) = Cli::try_parse_from(&command) {
                    panic!("{}: {}: {error}", rule.id, command.join(" "));
                }
            }
        }
        assert!(seen > 30, "{seen}");
    }
}
