//! What a check says: shown, failed, not shown, or not applicable.

use sealgate_model::Timestamp;
use serde::Serialize;

/// Something that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What it says, in a sentence.
    pub says: String,
    /// By which command or file.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The answer of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Judgement {
    /// It was measured, and is so.
    Shown(Evidence),
    /// It was measured, and is not so.
    Failed(Evidence),
    /// It was not measured.
    NotShown {
        /// Why, and what would show it.
        why: String,
    },
    /// There is nothing that it could be asked of.
    NotApplicable {
        /// Why.
        why: String,
    },
}

/// How a control stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Something was measured that speaks against it.
    NotMet,
    /// Nothing was measured.
    NotShown,
    /// Some of what it stands on was measured, and is so.
    PartlyShown,
    /// All of it was.
    Shown,
    /// There is nothing it could be asked of.
    NotApplicable,
}

impl Status {
    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotMet => "not met",
            Self::NotShown => "not shown",
            Self::PartlyShown => "partly shown",
            Self::Shown => "shown",
            Self::NotApplicable => "not applicable",
        }
    }

    /// The same as one word, for a page's style.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::NotMet => "not-met",
            Self::NotShown => "not-shown",
            Self::PartlyShown => "partly-shown",
            Self::Shown => "shown",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// What several judgements come to. Nothing that was not measured is ever taken for shown: no judgements
    /// at all are not shown.
    pub fn of(judgements: &[Judgement]) -> Self {
        let any = |wanted: fn(&Judgement) -> bool| judgements.iter().any(wanted);
        let failed = any(|one| matches!(one, Judgement::Failed(_)));
        let shown = any(|one| matches!(one, Judgement::Shown(_)));
        let missing = any(|one| matches!(one, Judgement::NotShown { .. }));
        match (failed, shown, missing) {
            (true, _, _) => Self::NotMet,
            (false, true, false) => Self::Shown,
            (false, true, true) => Self::PartlyShown,
            (false, false, true) => Self::NotShown,
            (false, false, false) if judgements.is_empty() => Self::NotShown,
            (false, false, false) => Self::NotApplicable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        Evidence {
            says: "so".to_owned(),
            by: "look".to_owned(),
            at: Timestamp::from_seconds(0),
        }
    }

    #[test]
    fn a_control_is_shown_only_when_all_it_stands_on_is() {
        let shown = Judgement::Shown(evidence());
        let failed = Judgement::Failed(evidence());
        let missing = Judgement::NotShown { why: String::new() };
        let nothing = Judgement::NotApplicable { why: String::new() };
        let cases = [
            (vec![], Status::NotShown),
            (vec![&nothing], Status::NotApplicable),
            (vec![&shown], Status::Shown),
            (vec![&shown, &nothing], Status::Shown),
            (vec![&shown, &missing], Status::PartlyShown),
            (vec![&missing, &nothing], Status::NotShown),
            (vec![&shown, &missing, &failed], Status::NotMet),
        ];
        for (judgements, status) in cases {
            let judgements: Vec<_> = judgements.into_iter().cloned().collect();
            assert_eq!(Status::of(&judgements), status, "{judgements:?}");
        }
    }
}
