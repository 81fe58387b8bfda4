//! What was found out about one route, together.

use sealgate_inventory::{Evidence, Gate, Placement, Route, Strength};

use crate::gates::Assessment;

/// What was found out about one route so far.
#[derive(Default)]
pub(super) struct Sum {
    gates: Vec<Gate>,
    strength: Strength,
    public: Option<String>,
    unknown: Option<String>,
    open: Option<String>,
}

impl Sum {
    pub(super) fn gate(&mut self, gate: Gate) {
        self.strength = std::mem::take(&mut self.strength).and(&gate.strength);
        if !self
            .gates
            .iter()
            .any(|known| known.name == gate.name && known.placement == gate.placement)
        {
            self.gates.push(gate);
        }
    }

    pub(super) fn unknown(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    /// Takes over what was found. Only where the `handler` itself was looked at does a comment beside it count.
    pub(super) fn take(&mut self, assessment: Assessment, handler: bool) {
        self.strength = std::mem::take(&mut self.strength).and(&assessment.strength);
        for gate in assessment.gates {
            self.gate(gate);
        }
        match (assessment.evidence, assessment.reason) {
            (Evidence::Public, Some(reason)) if handler => {
                self.public.get_or_insert(reason);
            }
            (Evidence::Unresolved, Some(reason)) => self.unknown(reason),
            (Evidence::Open, reason) => self.open = self.open.take().or(reason),
            _ => {}
        }
    }

    pub(super) fn settle(self, route: &mut Route) {
        let live = self
            .gates
            .iter()
            .any(|gate| gate.placement != Placement::Handler);
        (route.evidence, route.reason) = if live {
            (Evidence::Gated, None)
        } else if let Some(reason) = self.public {
            (Evidence::Public, Some(reason))
        } else if let Some(why) = self.unknown {
            (Evidence::Unresolved, Some(why))
        } else if !self.gates.is_empty() {
            (Evidence::GatedStatic, None)
        } else {
            let reason = self
                .open
                .unwrap_or_else(|| "nothing before it denies".to_owned());
            (Evidence::Open, Some(reason))
        };
        route.gates = self.gates;
        route.strength = self.strength;
        if route.risk.is_empty() {
            route.risk = sealgate_inventory::risk::of(route);
        }
    }
}
