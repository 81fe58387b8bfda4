//! `sealgate policy explain`: which policies decide about a question, and why the others do not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sealgate_host::SystemClock;
use sealgate_model::Clock as _;
use sealgate_policy::Document;
use sealgate_policy::cedar::{
    Attributes, Explained, Policies, PolicySource, Principal, Question, Resource, Value, explained,
};
use serde::Serialize;

use super::told::{self, Named, Who};
use super::{source, versions};
use crate::door::Door;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::output::{self, Text};
use crate::place::Place;

/// Who wants to do what with what.
#[derive(Debug, Args)]
#[command(
    after_help = "An actor is user:ID, machine:ID or agent:ID, and what is known of it: user:u1,roles=approver+employee.\n\
                  The other words are scopes, tenant, client, acr and, for agents, user. A resource is KIND:ID, or a\n\
                  route as lock files write it: \"GET /expenses/{id}\".\n\n\
                  Exit status: 0 allowed, 1 denied, 2 the question does not fit what is declared."
)]
pub(crate) struct Arguments {
    /// The file that declares the policies
    #[arg(
        long,
        value_name = "FILE",
        default_value = "sealgate.toml",
        conflicts_with = "applied"
    )]
    file: PathBuf,
    /// Ask the policies that the control plane hands out now, and not a file
    #[arg(long)]
    applied: bool,
    /// Who asks: user:ID, machine:ID or agent:ID, with roles=A+B and so on behind commas
    #[arg(long, value_name = "ACTOR")]
    actor: Who,
    /// What they want to do
    #[arg(long, value_name = "NAME")]
    action: String,
    /// With what: KIND:ID, or a route such as "GET /expenses"
    #[arg(long, value_name = "RESOURCE")]
    resource: String,
    /// What is known of the resource; sets and tables are JSON. May be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<Named>,
    /// What the resource lies in, KIND:ID. May be repeated
    #[arg(long = "parent", value_name = "RESOURCE")]
    parents: Vec<String>,
    /// What the application tells beside the resource. May be repeated
    #[arg(long = "context", value_name = "NAME=VALUE")]
    context: Vec<Named>,
    /// What the actor comes with
    #[arg(long, value_name = "KIND", default_value = "session", value_parser = ["session", "bearer", "dpop"])]
    credential: String,
    /// Who vouches for the actor; policies see it as context.issuer
    #[arg(long, value_name = "URL", default_value = "")]
    issuer: String,
    /// When it is asked [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
    /// Tell of the policies too that are about other actors, actions or resources
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Answer {
    /// The version that the control plane hands out; none for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(flatten)]
    explained: Explained,
}

pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failure> {
    let (policies, version) = asked_policies(&arguments).await?;
    let compiled = Policies::compile(&policies).map_err(|error| {
        Failure::refused(error.code(), error.to_string()).with_hint("see `sealgate policy check`")
    })?;
    let resource = resource(&arguments, &policies)?;
    let declared = policies.actions.get(&arguments.action);
    let nothing = Attributes::default();
    let declared = declared.map_or(&nothing, |action| &action.context);
    let context = fields(declared, &arguments.context, "context")?;
    let principal = Principal::new(Arc::new(arguments.actor.actor().clone()), None);
    let now = arguments
        .at
        .map_or_else(|| SystemClock::default().now(), Moment::resolve);
    let question = Question {
        principal: &principal,
        action: &arguments.action,
        resource: &resource,
        context: &context,
        credential: &arguments.credential,
        issuer: &arguments.issuer,
        now,
    };
    let told = compiled
        .explain(&question)
        .map_err(|error| Failure::usage(error.code(), error.to_string()))?;
    let answer = Answer {
        version,
        explained: told,
    };
    output::print(json, &answer, |answer| Text {
        data: explained(&answer.explained, arguments.all),
        ..Text::default()
    })?;
    if answer.explained.allowed {
        Ok(())
    } else {
        Err(Failure::told())
    }
}

async fn asked_policies(arguments: &Arguments) -> Result<(PolicySource, Option<u64>), Failure> {
    if !arguments.applied {
        let document = source::document(&arguments.file)?;
        return Ok((source::policies(&document, &arguments.file)?, None));
    }
    let door = Door::open(&arguments.place, None).await?;
    let version = versions::current(&door).await?;
    let view = versions::get(&door, version).await?;
    let document: Document = serde_json::from_value(view.document).map_err(|error| {
        Failure::unavailable(
            "policy_unusable",
            format!("this program does not understand version {version}: {error}"),
        )
        .with_hint("use the program that the server runs")
    })?;
    Ok((document.policies, Some(version)))
}

fn resource(arguments: &Arguments, policies: &PolicySource) -> Result<Resource, Failure> {
    let mut resource = told::resource(&arguments.resource)?;
    for parent in &arguments.parents {
        resource.parents.push(told::resource(parent)?);
    }
    if let Some(kind) = policies.resources.get(&resource.kind) {
        resource.attributes = fields(&kind.attributes, &arguments.attributes, "resource")?;
    } else if let Some(first) = arguments.attributes.first() {
        return Err(undeclared("resource", &first.name));
    }
    Ok(resource)
}

fn fields(
    declared: &Attributes,
    given: &[Named],
    place: &str,
) -> Result<BTreeMap<String, Value>, Failure> {
    let mut fields = BTreeMap::new();
    for Named { name, value } in given {
        let Some(attribute) = declared.0.get(name) else {
            return Err(undeclared(place, name));
        };
        let value = told::value(&attribute.kind, value).map_err(|wrong| {
            Failure::usage("policy_attribute_wrong", format!("{place}.{name}: {wrong}"))
        })?;
        if fields.insert(name.clone(), value).is_some() {
            let said = format!("{place}.{name} is given twice");
            return Err(Failure::usage("policy_attribute_wrong", said));
        }
    }
    Ok(fields)
}

fn undeclared(place: &str, name: &str) -> Failure {
    let said = format!("{place}.{name} is not declared");
    Failure::usage("policy_attribute_wrong", said).with_hint("see `sealgate policy schema`")
}
