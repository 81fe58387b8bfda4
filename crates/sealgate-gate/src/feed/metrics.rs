//! The text that collectors of metrics read (`OpenMetrics` 1.0).

use std::fmt::Write as _;

/// Families of metrics, one after the other.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// A gauge with one value.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, "gauge", help);
        self.line(format_args!("{name} {value}"));
    }

    /// A counter with one value. Its name is given without `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str, count: u64) {
        self.head(name, "counter", help);
        self.line(format_args!("{name}_total {count}"));
    }

    /// What never changes, as labels.
    pub(super) fn info(&mut self, name: &str, help: &str, labels: &[(&str, &str)]) {
        self.head(name, "info", help);
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        self.line(format_args!("{name}_info{{{}}} 1", labels.join(",")));
    }

    /// A family of gauges or counters that one label tells apart.
    pub(super) fn family<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'a str, u64)>,
    ) {
        self.head(name, kind, help);
        let suffix = if kind == "counter" { "_total" } else { "" };
        for (value, count) in values {
            let value = escaped(value);
            self.line(format_args!(
                "{name}{suffix}{{{label}=\"{value}\"}} {count}"
            ));
        }
    }

    /// The whole text.
    pub(super) fn end(mut self) -> String {
        self.line(format_args!("# EOF"));
        self.0
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# TYPE {name} {kind}"));
        self.line(format_args!("# HELP {name} {}", escaped(help)));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

/// A label's value between quotation marks.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_as_collectors_want_it() {
        let mut text = Exposition::default();
        text.gauge("age_seconds", "How old.", 1.5);
        text.counter("tries", "How often.", 3);
        text.family("ends", "counter", "Why.", "reason", [("a", 1)].into_iter());
        text.info("gate", "Which.", &[("name", "a\"b\\c\nd"), ("id", "x")]);
        let expected = "# TYPE age_seconds gauge\n# HELP age_seconds How old.\nage_seconds 1.5\n\
                        # TYPE tries counter\n# HELP tries How often.\ntries_total 3\n\
                        # TYPE ends counter\n# HELP ends Why.\nends_total{reason=\"a\"} 1\n\
                        # TYPE gate info\n# HELP gate Which.\n\
                        gate_info{name=\"a\\\"b\\\\c\\nd\",id=\"x\"} 1\n# EOF\n";
        assert_eq!(text.end(), expected);
    }
}
