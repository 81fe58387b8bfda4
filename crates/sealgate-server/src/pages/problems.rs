//! What is wrong with a posted form, told twice: in the summary and beside the field.

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldProblem {
    /// The field's name, which is also its element's id.
    pub(crate) field: &'static str,
    /// What to do about it, as one sentence.
    pub(crate) text: String,
}

/// Everything wrong with a form, in the order of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Nothing wrong (yet).
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Adds a problem with `field`.
    pub(crate) fn add(&mut self, field: &'static str, text: impl Into<String>) {
        self.0.push(FieldProblem {
            field,
            text: text.into(),
        });
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The problems, in the order of the fields.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, FieldProblem> {
        self.0.iter()
    }

    /// The attributes that tie the input `field` to its hint (an element id, or nothing) and to its
    /// error. Built from our own constants only, so it may stand in HTML as it is.
    pub(crate) fn attributes(&self, field: &'static str, hint: &'static str) -> String {
        let wrong = self.0.iter().any(|problem| problem.field == field);
        match (wrong, hint) {
            (false, "") => String::new(),
            (false, hint) => format!(r#" aria-describedby="{hint}""#),
            (true, "") => format!(r#" aria-invalid="true" aria-describedby="{field}-error""#),
            (true, hint) => {
                format!(r#" aria-invalid="true" aria-describedby="{hint} {field}-error""#)
            }
        }
    }
}
