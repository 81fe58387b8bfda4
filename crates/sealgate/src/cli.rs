//! The command line's shape: one noun, one verb.

use clap::{Parser, Subcommand};

use crate::place::Place;
use crate::{
    agent, anomaly, audit, client, consent, decision, declare, delegation, dev, doctor, feed, gate,
    issuer, key, login, machine, policy, registration, report, resource, routes, seal_key, serve,
    session, settings, signal, sink, user,
};

/// Sealgate: a self-hosted identity control plane, and the gate in front of every route.
#[derive(Debug, Parser)]
#[command(
    name = "sealgate",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit status: 0 done, 1 refused or not found, 2 wrong usage or settings, 3 unavailable,\n\
                        4 done, and not proven everywhere in time."
)]
pub(crate) struct Cli {
    /// Print one JSON document to stdout instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the control plane
    Serve(serve::Arguments),
    /// Run an application and a control plane for it, for development on this machine
    Dev(Box<dev::Arguments>),
    /// Look whether everything around the control plane is right, and say what to do where it is not
    Doctor(Box<doctor::Arguments>),
    /// Sign in to a resource or an authorization server, and keep the tokens in a vault
    Login(Box<login::Arguments>),
    /// Print an access token of a sign-in, or one for a machine
    Token(Box<login::TokenArguments>),
    /// End a sign-in: give its tokens back, and forget them
    Logout(login::LogoutArguments),
    /// Every way into an application, and whether a gate stands before it
    #[command(
        visible_alias = "route",
        arg_required_else_help = true,
        after_help = "Exit status: 0 nothing found, 1 findings, 2 it could not be told."
    )]
    Routes {
        #[command(subcommand)]
        command: Box<routes::Command>,
    },
    /// Show every setting, its value and who set it
    Settings(settings::show::Arguments),
    /// Show what would change for a declaring file to hold, and what that risks
    Plan(Box<declare::Arguments>),
    /// Make what a file declares so: all of it, or nothing
    Apply(Box<declare::ApplyArguments>),
    /// Write what there is as a declaring file
    Export(declare::ExportArguments),
    /// Accounts of people
    #[command(visible_alias = "users", arg_required_else_help = true)]
    User {
        #[command(subcommand)]
        command: user::Command,
    },
    /// Applications that people sign in to
    #[command(visible_alias = "clients", arg_required_else_help = true)]
    Client {
        #[command(subcommand)]
        command: client::Command,
    },
    /// How clients register themselves
    #[command(arg_required_else_help = true)]
    Registration {
        #[command(subcommand)]
        command: registration::Command,
    },
    /// What tokens can be for: APIs with scopes of their own
    #[command(visible_alias = "resources", arg_required_else_help = true)]
    Resource {
        #[command(subcommand)]
        command: resource::Command,
    },
    /// Service accounts: whose they are, what they use, when they end
    #[command(visible_alias = "machines", arg_required_else_help = true)]
    Machine {
        #[command(subcommand)]
        command: Box<machine::Command>,
    },
    /// Sign-ins of people on clients
    #[command(visible_alias = "sessions", arg_required_else_help = true)]
    Session {
        #[command(subcommand)]
        command: session::Command,
    },
    /// Clients that act for people, out of their sessions
    #[command(visible_alias = "delegations", arg_required_else_help = true)]
    Delegation {
        #[command(subcommand)]
        command: delegation::Command,
    },
    /// What people have granted clients
    #[command(visible_alias = "consents", arg_required_else_help = true)]
    Consent {
        #[command(subcommand)]
        command: consent::Command,
    },
    /// Other issuers, whose word for machines or people is taken
    #[command(visible_alias = "issuers", arg_required_else_help = true)]
    Issuer {
        #[command(subcommand)]
        command: issuer::Command,
    },
    /// AI agents that act for people, and who lets them
    #[command(visible_alias = "agents", arg_required_else_help = true)]
    Agent {
        #[command(subcommand)]
        command: agent::Command,
    },
    /// Security events, told to other identity systems and heard from them
    #[command(visible_alias = "signals", arg_required_else_help = true)]
    Signal {
        #[command(subcommand)]
        command: signal::Command,
    },
    /// The revocation feed: who follows it, and who has applied what it tells
    #[command(arg_required_else_help = true)]
    Feed {
        #[command(subcommand)]
        command: feed::Command,
    },
    /// What claims give and what actors may do, as files that are reviewed
    #[command(visible_alias = "policies", arg_required_else_help = true)]
    Policy {
        #[command(subcommand)]
        command: Box<policy::Command>,
    },
    /// How gates are set up, which policy they have, and which routes stand behind them
    #[command(visible_alias = "gates", arg_required_else_help = true)]
    Gate {
        #[command(subcommand)]
        command: gate::Command,
    },
    /// What should worry somebody, and what to do about it
    #[command(visible_alias = "anomalies", arg_required_else_help = true)]
    Anomaly {
        #[command(subcommand)]
        command: anomaly::Command,
    },
    /// The record of everything that was done or refused
    #[command(arg_required_else_help = true)]
    Audit {
        #[command(subcommand)]
        command: audit::Command,
    },
    /// What the gates of applications decided
    #[command(visible_alias = "decisions", arg_required_else_help = true)]
    Decision {
        #[command(subcommand)]
        command: Box<decision::Command>,
    },
    /// Where records are sent: webhooks, collectors of OpenTelemetry logs, syslog, files
    #[command(visible_alias = "sinks", arg_required_else_help = true)]
    Sink {
        #[command(subcommand)]
        command: Box<sink::Command>,
    },
    /// Write the evidence report: what was measured of each control, and what was not shown
    Report(report::Arguments),
    /// Print the description of the administration API in JSON, for programs that make others from it
    Openapi {
        #[command(flatten)]
        place: Place,
    },
    /// The control plane's signing keys
    #[command(visible_alias = "keys", arg_required_else_help = true)]
    Key {
        #[command(subcommand)]
        command: key::Command,
    },
    /// The keys that seal an application's sessions
    #[command(arg_required_else_help = true)]
    SealKey {
        #[command(subcommand)]
        command: seal_key::Command,
    },
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_reads_well() {
        let mut whole = String::new();
        collect(Cli::command().term_width(100), "", &mut whole);
        insta::assert_snapshot!(whole);
    }

    fn collect(mut command: clap::Command, parents: &str, whole: &mut String) {
        let path = format!("{parents}{}", command.get_name());
        command = command.bin_name(path.clone());
        command.build();
        writeln!(whole, "$ {path} --help\n{}", command.render_long_help()).unwrap();
        for child in command.get_subcommands() {
            collect(child.clone(), &format!("{path} "), whole);
        }
    }
}
