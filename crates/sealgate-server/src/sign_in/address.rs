//! E-mail addresses and names as people type them.

/// Whether a character does not show, or changes the order in which others do: with these a name looks
/// like another one (Unicode TR 36). The two joiners, without which some languages cannot be written,
/// are not among them.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The address in `text` without the spaces around it, if one could send to it. Whether it exists
/// only a message can tell; this keeps out slips of the pen and what would break a line in a log.
pub(crate) fn email(text: &str) -> Option<&str> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let sound = text.len() <= 254
        && !text
            .chars()
            .any(|c| c.is_whitespace() || is_hidden(c) || matches!(c, '<' | '>' | ',' | ';' | '"'))
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    sound.then_some(text)
}

/// The name in `text` without the spaces around it, if it is one: 1 to 200 bytes, no control
/// or hidden characters.
pub(crate) fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    ((1..=200).contains(&text.len()) && !text.chars().any(is_hidden)).then_some(text)
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
        assert_eq!(name("نرم\u{200c}افزار"), Some("نرم\u{200c}افزار"));
    }

    #[test]
    fn what_does_not_show_or_turns_text_around_is_in_no_name_and_no_address() {
        for hidden in "\u{202e}\u{2066}\u{200b}\u{200f}\u{feff}\u{ad}\u{e0041}\u{2028}".chars() {
            assert_eq!(name(&format!("Ada{hidden}L")), None, "{hidden:?}");
            assert_eq!(
                email(&format!("a{hidden}da@example.com")),
                None,
                "{hidden:?}"
            );
        }
    }
}
