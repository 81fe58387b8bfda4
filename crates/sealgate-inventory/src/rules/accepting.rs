//! Rules about findings that are accepted.

use super::program;
use crate::{Rule, Severity};

/// A finding was accepted until a day that is over.
pub static EXPIRED_ACCEPTANCE: Rule = Rule {
    id: "expired-acceptance",
    severity: Severity::Error,
    title: "A finding was accepted until a day that is over",
    explanation: "Somebody accepted a finding and set a day on which this was to be looked at again, and it is over. The \
last day itself still counts. What was accepted fails again as well. Put it right, or look at it again and set a \
later day.",
    broken: program!(
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []

# file: pyproject.toml
[[tool.sealgate.routes.accept]]
rule = "gate-fallback"
file = "main.py"
reason = "the old clients send no token until they are replaced"
expires = 2020-06-30
"#
    ),
    fixed: program!(
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
};

/// An acceptance accepts nothing.
pub static UNUSED_ACCEPTANCE: Rule = Rule {
    id: "unused-acceptance",
    severity: Severity::Warning,
    title: "An acceptance accepts nothing",
    explanation: "What it accepted is not there any more, or it stands at another place, or cannot be read: a comment needs \
the rule and the reason, as in `# sealgate: accept(rule: reason)`, on the line of the finding or on the one above. It \
would hide the next finding of its kind. Remove it. What is an error about a route's coverage cannot be accepted: a \
route that is open or unresolved is declared public with a reason, or gets a gate.",
    broken: program!(
        r#"# sealgate: accept(gate-fallback: the old clients send no token)
@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
    fixed: program!(
        r#"@app.get("/expenses", dependencies=[Depends(signed_in)])
def expenses() -> list[str]:
    return []
"#
    ),
};
