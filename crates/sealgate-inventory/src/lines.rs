//! Places in TOML texts, for errors that say where.

/// Where the lines of a text begin.
pub(crate) struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let bytes = text.bytes().enumerate();
        Self {
            ends: bytes
                .filter_map(|(at, byte)| (byte == b'\n').then_some(at))
                .collect(),
        }
    }

    /// The line, from 1, that an offset in bytes stands in.
    pub(crate) fn at(&self, offset: usize) -> u32 {
        let before = self.ends.partition_point(|end| *end < offset);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }
}

/// What a TOML error says, on one line, and the line where it stands.
pub(crate) fn toml_error(text: &str, error: &toml::de::Error) -> (Option<u32>, String) {
    let line = error.span().map(|span| Lines::of(text).at(span.start));
    let message = error.message().split_whitespace().collect::<Vec<_>>();
    (line, message.join(" "))
}

/// A day, from what TOML calls a local date. None for anything with a time in it.
pub(crate) fn day(value: &toml::value::Datetime) -> Option<jiff::civil::Date> {
    if value.time.is_some() || value.offset.is_some() {
        return None;
    }
    let date = value.date?;
    let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
    jiff::civil::Date::new(i16::try_from(date.year).ok()?, month, day).ok()
}
