//! The report: facts, judged by every control.

use sealgate_model::Timestamp;
use serde::Serialize;

use crate::catalogue;
use crate::checks;
use crate::facts::{Facts, Seen};
use crate::judgement::{Judgement, Status};

/// The name and version of the JSON document. The number changes when a reader has to.
const SCHEMA: &str = "sealgate-report/1";

/// Everything that a report says.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// When it was begun.
    pub taken_at: Timestamp,
    /// The version of the program that made it.
    pub version: String,
    /// Who owns what.
    pub boundary: Vec<Boundary>,
    /// How many controls stand how.
    pub summary: Summary,
    /// The frameworks.
    pub parts: Vec<Part>,
    /// What it was made of.
    pub facts: Facts,
}

/// Who owns one concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Boundary {
    /// The concern.
    pub concern: &'static str,
    /// Whose it is, and where; none: not shown.
    pub owner: Option<String>,
    /// What it answers for, or why it is not known.
    pub says: String,
}

/// How many controls stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Measured, and so.
    pub shown: usize,
    /// Measured in part.
    pub partly_shown: usize,
    /// Not measured.
    pub not_shown: usize,
    /// Measured, and not so.
    pub not_met: usize,
    /// Nothing to ask.
    pub not_applicable: usize,
}

impl Summary {
    fn note(&mut self, status: Status) {
        match status {
            Status::Shown => self.shown += 1,
            Status::PartlyShown => self.partly_shown += 1,
            Status::NotShown => self.not_shown += 1,
            Status::NotMet => self.not_met += 1,
            Status::NotApplicable => self.not_applicable += 1,
        }
    }
}

/// One framework.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Its short name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its controls.
    pub lines: Vec<Line>,
}

/// One control, and how it stands.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// What it asks.
    pub asks: String,
    /// How it stands.
    pub status: Status,
    /// What each of its checks says.
    pub judgements: Vec<Judgement>,
}

impl Report {
    /// Judges `facts` by every control.
    pub fn of(facts: Facts) -> Self {
        let mut summary = Summary::default();
        let parts = catalogue::frameworks()
            .into_iter()
            .map(|framework| Part {
                id: framework.id,
                name: framework.name,
                lines: framework
                    .controls
                    .iter()
                    .map(|control| {
                        let line = judge(control, &facts);
                        summary.note(line.status);
                        line
                    })
                    .collect(),
            })
            .collect();
        Self {
            schema: SCHEMA,
            taken_at: facts.taken_at,
            version: facts.version.clone(),
            boundary: boundary(&facts),
            summary,
            parts,
            facts,
        }
    }

    /// Whether anything was measured that speaks against a control.
    pub const fn has_failures(&self) -> bool {
        self.summary.not_met > 0
    }
}

fn judge(control: &catalogue::Control, facts: &Facts) -> Line {
    let mut judgements: Vec<Judgement> = control
        .checks
        .iter()
        .map(|check| {
            checks::run(check, facts).unwrap_or_else(|| Judgement::NotShown {
                why: format!("there is no check {check}"),
            })
        })
        .collect();
    if let Some(beyond) = &control.beyond {
        judgements.push(Judgement::NotShown {
            why: beyond.clone(),
        });
    }
    Line {
        id: control.id.clone(),
        asks: control.asks.clone(),
        status: Status::of(&judgements),
        judgements,
    }
}

fn boundary(facts: &Facts) -> Vec<Boundary> {
    let plane = facts
        .server
        .value()
        .map(|server| format!("the control plane, {}", server.issuer));
    let gates = facts.gates.value().map(|gates| {
        let mut clients: Vec<&str> = gates.iter().map(|gate| gate.client.as_str()).collect();
        clients.sort_unstable();
        clients.dedup();
        (gates.len(), clients.join(", "))
    });
    let gate = gates
        .filter(|(number, _)| *number > 0)
        .map(|(_, clients)| format!("the gate in each process of {clients}"));
    let line = |concern, owner: Option<&String>, says: &str, missing: String| Boundary {
        concern,
        owner: owner.cloned(),
        says: if owner.is_some() {
            says.to_owned()
        } else {
            missing
        },
    };
    let no_server = why(&facts.server);
    let no_gate = match &facts.gates {
        Seen::NotShown { why } => why.clone(),
        Seen::Measured { .. } => "no gate follows the revocation feed".to_owned(),
    };
    vec![
        line(
            "sign-in",
            plane.as_ref(),
            "asks people who they are",
            no_server.clone(),
        ),
        line(
            "sessions",
            plane.as_ref(),
            "begins, renews and ends them",
            no_server.clone(),
        ),
        line(
            "validation",
            gate.as_ref(),
            "decides about every request before the application sees it",
            no_gate,
        ),
        line(
            "rotation",
            plane.as_ref(),
            "makes, publishes and retires the signing keys; seal keys are each application's own",
            no_server.clone(),
        ),
        line(
            "revocation",
            plane.as_ref(),
            "tells every gate what is over; gates refuse it",
            no_server.clone(),
        ),
        line(
            "policy",
            plane.as_ref(),
            "hands versions of one policy to every gate, which decides by it",
            no_server.clone(),
        ),
        line(
            "records",
            plane.as_ref(),
            "keeps its own acts and the decisions that gates report",
            no_server,
        ),
    ]
}

fn why<T>(seen: &Seen<T>) -> String {
    match seen {
        Seen::NotShown { why } => why.clone(),
        Seen::Measured { .. } => String::new(),
    }
}
