//! E-mail addresses and names as people type them.

/// The address in `text` without the spaces around it, if one could send to it. Whether it exists
/// only a message can tell; this keeps out slips of the pen and what would break a line in a log.
pub(crate) fn email(text: &str) -> Option<&str> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let sound = text.len() <= 254
        && !text.chars().any(|c| {
            c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"')
        })
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    sound.then_some(text)
}

/// The name in `text` without the spaces around it, if it is one: 1 to 200 bytes, no control
/// characters.
pub(crate) fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    ((1..=200).contains(&text.len()) && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_sent_to_are_refused() {
        for wrong in [
            "", "a", "@b", "a@", "a b@c", "a@b\nc", "a@b,c@d", "<a@b>", "a@.b", "a@b.", "a@b@c",
        ] {
            assert_eq!(email(wrong), None, "{wrong:?}");
        }
        assert_eq!(email(&format!("{}@example.com", "a".repeat(65))), None);
        assert_eq!(email(" ada@example.com "), Some("ada@example.com"));
    }

    #[test]
    fn a_name_is_something_to_read() {
        assert_eq!(name("  Ada Lovelace "), Some("Ada Lovelace"));
        assert_eq!(name("  "), None);
        assert_eq!(name(&"a".repeat(201)), None);
    }
}
