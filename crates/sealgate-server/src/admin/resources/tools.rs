//! What can be called at a resource, checked: names, words, and scopes that the resource has.

use sealgate_store::ScopeText;

use super::readable;
use super::types::ToolText;
use crate::problem::Problem;

/// The most tools of one resource.
pub(super) const MOST_TOOLS: usize = 256;

/// The most scopes that one tool takes.
const MOST_SCOPES: usize = 8;

/// The tools as they are kept.
///
/// # Errors
/// `tool_malformed` for a name, words or a number out of bounds, `tool_scope_unknown` for a scope that is not
/// among `scopes`.
pub(super) fn tools(
    given: Vec<ToolText>,
    scopes: &[ScopeText],
) -> Result<Vec<sealgate_store::ToolText>, Problem> {
    let malformed = |said: &str| Problem::unprocessable("tool_malformed", said);
    if given.len() > MOST_TOOLS {
        return Err(malformed("a resource has at most 256 tools"));
    }
    let mut kept: Vec<sealgate_store::ToolText> = Vec::with_capacity(given.len());
    for tool in given {
        if !is_name(&tool.name) {
            return Err(malformed(
                "a tool's name is 1 to 128 letters, digits, dots, slashes, hyphens or underscores",
            ));
        }
        let description = readable(&tool.description, 200).ok_or_else(|| {
            malformed("a tool's description has 1 to 200 bytes and no control or hidden characters")
        })?;
        if kept.iter().any(|known| known.name == tool.name) {
            return Err(malformed("a tool is described twice"));
        }
        if tool.scopes.len() > MOST_SCOPES {
            return Err(malformed("a tool takes at most 8 scopes"));
        }
        let mut taken: Vec<String> = Vec::with_capacity(tool.scopes.len());
        for scope in tool.scopes {
            if !scopes.iter().any(|known| known.name == scope) {
                return Err(Problem::unprocessable(
                    "tool_scope_unknown",
                    format!(
                        "the tool {} takes a scope that the resource does not have",
                        tool.name
                    ),
                ));
            }
            if !taken.contains(&scope) {
                taken.push(scope);
            }
        }
        kept.push(sealgate_store::ToolText {
            name: tool.name,
            description,
            scopes: taken,
        });
    }
    Ok(kept)
}

/// A name as the Model Context Protocol has it.
fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, description: &str, scopes: &[&str]) -> ToolText {
        ToolText {
            name: name.to_owned(),
            description: description.to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_tool_takes_scopes_that_its_resource_has() {
        let scopes = ["notes:read", "notes:write"].map(|name| ScopeText {
            name: name.to_owned(),
            description: "x".to_owned(),
        });
        let kept = tools(
            vec![
                tool("add_note", " Add a note ", &["notes:write", "notes:write"]),
                tool("ping", "Ask", &[]),
            ],
            &scopes,
        );
        let kept = kept.unwrap();
        assert_eq!(kept[0].description, "Add a note");
        assert_eq!(kept[0].scopes, ["notes:write"]);
        let long = "n".repeat(129);
        let many = ["notes:read"; 9];
        for (wrong, reason) in [
            (vec![tool("a b", "x", &[])], "tool_malformed"),
            (vec![tool("", "x", &[])], "tool_malformed"),
            (vec![tool(&long, "x", &[])], "tool_malformed"),
            (vec![tool("a", " ", &[])], "tool_malformed"),
            (vec![tool("a", "x\u{202e}y", &[])], "tool_malformed"),
            (
                vec![tool("a", "x", &[]), tool("a", "y", &[])],
                "tool_malformed",
            ),
            (vec![tool("a", "x", &many)], "tool_malformed"),
            (vec![tool("a", "x", &["other"])], "tool_scope_unknown"),
        ] {
            assert_eq!(tools(wrong, &scopes).unwrap_err().reason(), reason);
        }
        let many = (0..257).map(|number| tool(&number.to_string(), "x", &[]));
        assert!(tools(many.collect(), &scopes).is_err());
    }
}
