//! Foreign text made harmless.

/// `text` on one line, without the characters that could rewrite a terminal's screen or turn its text around, and
/// without what the runner of GitHub Actions takes for a command wherever it stands.
pub(super) fn clean(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_foul(c) { '\u{fffd}' } else { c })
        .collect();
    text.replace("##[", "#\u{fffd}[")
}

/// The same for what begins a line, where the runner takes `::` for a command, too.
pub(super) fn clean_start(text: &str) -> String {
    let text = clean(text);
    if text.trim_start().starts_with("::") {
        text.replacen("::", "\u{fffd}:", 1)
    } else {
        text
    }
}

/// The same for a line of source, whose tabs become spaces.
pub(super) fn clean_source(line: &str) -> String {
    clean(&line.replace('\t', "    "))
}

pub(super) fn is_foul(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
