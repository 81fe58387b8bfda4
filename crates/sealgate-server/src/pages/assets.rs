//! The style sheet and the icon: the only things a page loads.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

const STYLE: &str = include_str!("../../assets/sealgate.css");
const ICON: &str = include_str!("../../assets/sealgate.svg");

/// FNV-1a of the style sheet, in hexadecimal: names this build's sheet, protects nothing.
const VERSION: [u8; 8] = {
    let bytes = STYLE.as_bytes();
    let mut hash: u32 = 0x811c_9dc5;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    let mut text = [0; 8];
    let mut digit = 0;
    while digit < 8 {
        text[digit] = b"0123456789abcdef"[((hash >> (28 - 4 * digit)) & 15) as usize];
        digit += 1;
    }
    text
};

/// Eight hexadecimal digits that change with the style sheet.
pub(crate) fn style_version() -> &'static str {
    std::str::from_utf8(&VERSION).unwrap_or("0")
}

/// `GET /assets/sealgate.css`. Pages name it with its version, so a browser may keep it for good.
pub(crate) async fn style() -> Response {
    asset(
        "text/css; charset=utf-8",
        STYLE,
        "public, max-age=31536000, immutable",
    )
}

/// `GET /assets/sealgate.svg`.
pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", ICON, "public, max-age=86400")
}

fn asset(kind: &'static str, body: &'static str, cache: &'static str) -> Response {
    (
        [
            (CONTENT_TYPE, kind),
            (CACHE_CONTROL, cache),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        body,
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The custom properties of the two colour blocks: light, then dark over light.
    fn schemes() -> [HashMap<&'static str, [f64; 3]>; 2] {
        let (light, dark) = STYLE
            .split_once("@media (prefers-color-scheme: dark)")
            .unwrap();
        let light = colours(light);
        let mut both = light.clone();
        both.extend(colours(dark));
        [light, both]
    }

    fn colours(block: &'static str) -> HashMap<&'static str, [f64; 3]> {
        let declarations = block
            .lines()
            .filter_map(|line| line.trim().strip_suffix(';')?.split_once(": #"));
        declarations
            .filter_map(|(name, hex)| {
                let channel = |at: usize| {
                    let value =
                        f64::from(u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?) / 255.0;
                    Some(if value <= 0.04045 {
                        value / 12.92
                    } else {
                        ((value + 0.055) / 1.055).powf(2.4)
                    })
                };
                Some((name, [channel(0)?, channel(2)?, channel(4)?]))
            })
            .collect()
    }

    /// WCAG 2.2, "contrast ratio".
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let luminance = |c: [f64; 3]| 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_pair_of_colours_meets_wcag_2_2_aa_in_both_schemes() {
        let text = [
            ("--text", "--ground"),
            ("--text", "--surface"),
            ("--text", "--tint"),
            ("--text", "--danger-tint"),
            ("--muted", "--ground"),
            ("--muted", "--surface"),
            ("--accent", "--ground"),
            ("--accent", "--surface"),
            ("--accent-strong", "--tint"),
            ("--on-accent", "--accent"),
            ("--on-accent", "--accent-strong"),
            ("--danger", "--ground"),
            ("--danger", "--surface"),
            ("--danger", "--danger-tint"),
        ];
        let parts = [
            ("--edge", "--surface"),
            ("--edge", "--ground"),
            ("--focus", "--surface"),
            ("--focus", "--ground"),
            ("--focus", "--danger-tint"),
            ("--danger", "--surface"),
        ];
        for (scheme, colours) in ["light", "dark"].into_iter().zip(schemes()) {
            let wanted = text
                .map(|pair| (pair, 4.5))
                .into_iter()
                .chain(parts.map(|pair| (pair, 3.0)));
            for ((front, back), least) in wanted {
                let ratio = contrast(colours[front], colours[back]);
                assert!(
                    ratio >= least,
                    "{scheme}: {front} on {back} is {ratio:.2}, wants {least}"
                );
            }
        }
    }

    #[test]
    fn the_style_sheet_loads_nothing() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
