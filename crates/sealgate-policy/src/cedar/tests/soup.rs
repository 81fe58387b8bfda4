//! Text that is nearly a policy: it compiles, or something is found in it.

use proptest::prelude::*;

use super::*;

const PIECES: [&str; 40] = [
    "@id(\"a\")",
    "@id(\"b\")",
    "permit",
    "forbid",
    "(principal, action, resource)",
    "(principal is User, action, resource)",
    "(principal in Role::\"approver\", action in [Action::\"expenses.read\"], resource is Expense)",
    "when",
    "unless",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ".",
    "&&",
    "||",
    "!",
    "==",
    "<",
    "+",
    "*",
    "in",
    "is",
    "has",
    "like",
    "if true then",
    "else",
    "true",
    "resource.owner",
    "principal",
    "context.now",
    "1",
    "\"text",
    "\"",
    "// note\n",
    "é",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_is_written_is_found_out_or_decides(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
        whole in any::<bool>(),
    ) {
        let soup = pieces.join(" ");
        let text = if whole {
            format!("@id(\"x\") permit (principal is User, action, resource is Expense) when {{ {soup} }};")
        } else {
            soup
        };
        let source = source_of(DECLARED, &text);
        let found = analyse(&source).unwrap();
        for finding in &found {
            prop_assert!(finding.span.as_ref().is_none_or(|span| span.line > 0 && span.column > 0));
        }
        let is_sound = found.iter().all(|finding| finding.level != Level::Error);
        prop_assert_eq!(check(&source).is_ok(), is_sound);
        let Ok(policies) = Policies::compile(&source) else {
            prop_assert!(!is_sound);
            return Ok(());
        };
        let (u1, expense) = (user("u1", &["approver"]), expense("e1", "u1", "1"));
        let asked = question(&u1, "expenses.read", &expense);
        let verdict = policies.decide(&asked).unwrap();
        prop_assert!(!verdict.allowed || (verdict.errors.is_empty() && !verdict.determining.is_empty()));
        prop_assert_eq!(policies.explain(&asked).unwrap().allowed, verdict.allowed);
    }
}
