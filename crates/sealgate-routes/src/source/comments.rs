//! `# sealgate: public(reason)`: a route declared public where it is written. `# sealgate: accept(rule: reason)`: a
//! finding accepted where it stands.

use memchr::memmem;

/// Whether a text may have such a comment. Few have, and the others need not be asked for their comments.
pub(super) fn may_have(text: &str) -> bool {
    memmem::find(text.as_bytes(), b"sealgate:").is_some()
}

/// The reason, if the comment is such a comment. A bracket in the reason is closed in the reason.
pub(super) fn reason(comment: &str) -> Option<String> {
    inside(said(comment)?.strip_prefix("public")?)
}

/// The rule and the reason, if the comment accepts a finding. Both are empty where it does not say them in full: it
/// accepts nothing, and whoever wrote it believes that it does.
pub(super) fn accepted(comment: &str) -> Option<(String, String)> {
    let rest = said(comment)?.strip_prefix("accept")?;
    let inside = inside(rest).unwrap_or_default();
    let is_rule = |rule: &str| {
        !rule.is_empty()
            && rule
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let told = match inside.split_once(':') {
        Some((rule, reason)) if is_rule(rule.trim()) => {
            (rule.trim().to_owned(), reason.trim().to_owned())
        }
        _ => Default::default(),
    };
    Some(told)
}

/// What the comment says to us.
fn said(comment: &str) -> Option<&str> {
    let rest = comment
        .trim_start_matches('#')
        .trim_start()
        .strip_prefix("sealgate:")?;
    Some(rest.trim_start())
}

/// What stands in the brackets that come next.
fn inside(rest: &str) -> Option<String> {
    let rest = rest.trim_start().strip_prefix('(')?;
    let mut open = 1_usize;
    let end = rest.find(|character| {
        match character {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        open == 0
    })?;
    Some(rest[..end].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{accepted, reason};

    #[test]
    fn a_reason_is_what_stands_in_the_brackets() {
        let told = |comment| reason(comment);
        assert_eq!(
            told("# sealgate: public(load balancers ask)").as_deref(),
            Some("load balancers ask")
        );
        assert_eq!(
            told("#sealgate:public( a (small) one )  # noqa").as_deref(),
            Some("a (small) one")
        );
        assert_eq!(told("# sealgate: public()").as_deref(), Some(""));
    }

    #[test]
    fn an_acceptance_says_which_rule_and_why() {
        let told = |comment| accepted(comment);
        let both = |rule: &str, reason: &str| Some((rule.to_owned(), reason.to_owned()));
        assert_eq!(
            told("# sealgate: accept(path-decision: /docs: (only) that)  # noqa"),
            both("path-decision", "/docs: (only) that")
        );
        assert_eq!(told("#sealgate:accept( a-b :c )"), both("a-b", "c"));
        assert_eq!(told("# sealgate: accept(a-b:)"), both("a-b", ""));
        for comment in [
            "# sealgate: accept",
            "# sealgate: accept()",
            "# sealgate: accept(a-b)",
            "# sealgate: accept(: x)",
            "# sealgate: accept(Path Decision: x)",
            "# sealgate: accept(a-b: never closed",
        ] {
            assert_eq!(told(comment), both("", ""), "{comment}");
        }
        for comment in [
            "# accept(a-b: x)",
            "# see sealgate: accept(a-b: x)",
            "# sealgate: public(x)",
        ] {
            assert_eq!(told(comment), None, "{comment}");
        }
    }

    #[test]
    fn what_is_not_written_in_full_declares_nothing() {
        for comment in [
            "# sealgate: public",
            "# sealgate: public(never closed",
            "# public(x)",
            "# see sealgate: public(x)",
            "# sealgate: private(x)",
        ] {
            assert_eq!(reason(comment), None, "{comment}");
        }
    }
}
