//! What makes two findings of different days the same one.

use std::collections::BTreeMap;

use super::View;
use crate::Finding;

/// A fingerprint for each of `findings`. It says which rule, which file and which route, or without a route the
/// words of the line, so that it stays when lines move. Equal ones are told apart by their order.
pub(super) fn of(findings: &[&Finding], view: &View<'_>) -> Vec<String> {
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    findings
        .iter()
        .map(|finding| {
            let hash = hash(&parts(finding, view));
            let nth = seen.entry(hash).or_default();
            *nth += 1;
            format!("{hash:016x}:{nth}")
        })
        .collect()
}

fn parts(finding: &Finding, view: &View<'_>) -> Vec<String> {
    let file = finding.place.as_ref().map(|place| view.file(place));
    let about = match &finding.route {
        Some(route) => vec![route.app.clone(), route.methods.clone(), route.path.clone()],
        None => vec![line(finding, view).unwrap_or_else(|| finding.message.clone())],
    };
    let mut parts = vec![finding.rule.clone(), file.unwrap_or_default()];
    parts.extend(about);
    parts
}

/// The words of the line that it is about.
fn line(finding: &Finding, view: &View<'_>) -> Option<String> {
    let place = finding.place.as_ref()?;
    let text = view.sources.text(&place.file)?;
    let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
    Some(text.lines().nth(index)?.trim().to_owned())
}

/// FNV-1a. Nobody gains by a collision, and it is the same in every version.
fn hash(parts: &[String]) -> u64 {
    let bytes = parts
        .iter()
        .flat_map(|part| part.bytes().chain(std::iter::once(0xff)));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
