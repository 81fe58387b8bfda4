//! Tables of routes, and of how many there are with which evidence.

use std::collections::BTreeMap;

use super::View;
use super::clean::{clean, clean_start};
use crate::{Evidence, Inventory, Route};

/// Every evidence, from the strongest on.
pub(super) const EVIDENCE: [Evidence; 6] = [
    Evidence::Denied,
    Evidence::Gated,
    Evidence::GatedStatic,
    Evidence::Public,
    Evidence::Unresolved,
    Evidence::Open,
];

/// For each application how many routes there are with each evidence. Applications without a route are there, too.
pub(super) fn counts(inventory: &Inventory) -> BTreeMap<&str, [usize; EVIDENCE.len()]> {
    let mut counts = BTreeMap::new();
    for app in &inventory.apps {
        counts.insert(app.name.as_str(), [0; EVIDENCE.len()]);
    }
    for route in &inventory.routes {
        let row = counts.entry(route.app.as_str()).or_default();
        for (count, evidence) in row.iter_mut().zip(EVIDENCE) {
            *count += usize::from(route.evidence == evidence);
        }
    }
    counts
}

/// The columns that something is in, and always those that ask for something to be done.
pub(super) fn columns(counts: &BTreeMap<&str, [usize; EVIDENCE.len()]>) -> Vec<usize> {
    let asks = |index: usize| matches!(EVIDENCE[index], Evidence::Unresolved | Evidence::Open);
    (0..EVIDENCE.len())
        .filter(|index| asks(*index) || counts.values().any(|row| row[*index] > 0))
        .collect()
}

/// How many routes of each application there are with which evidence.
pub(super) fn coverage(inventory: &Inventory) -> String {
    let counts = counts(inventory);
    let columns = columns(&counts);
    let mut rows = vec![vec!["APPLICATION".to_owned(), "ROUTES".to_owned()]];
    rows[0].extend(columns.iter().map(|index| EVIDENCE[*index].to_string()));
    for (app, row) in &counts {
        let mut cells = vec![clean_start(app), row.iter().sum::<usize>().to_string()];
        cells.extend(columns.iter().map(|index| row[*index].to_string()));
        rows.push(cells);
    }
    aligned(&rows, |column| column > 0)
}

/// All routes, under the name of their application.
pub(super) fn routes(inventory: &Inventory, view: &View<'_>) -> String {
    let mut by_app: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in &inventory.routes {
        by_app.entry(&route.app).or_default().push(route);
    }
    let mut out = String::new();
    for (app, routes) in by_app {
        let headings = [
            "EVIDENCE",
            "METHODS",
            "PATH",
            "GATES OR REASON",
            "WRITTEN AT",
        ];
        let mut rows = vec![headings.map(str::to_owned).to_vec()];
        rows.extend(routes.into_iter().map(|route| row(route, view)));
        out.push_str("Routes of ");
        out.push_str(&clean(app));
        out.push('\n');
        out.push_str(&aligned(&rows, |_| false));
        out.push('\n');
    }
    out
}

fn row(route: &Route, view: &View<'_>) -> Vec<String> {
    let gates: Vec<&str> = route.gates.iter().map(|gate| gate.name.as_str()).collect();
    let why = match &route.reason {
        Some(reason) if gates.is_empty() => reason.clone(),
        Some(reason) => format!("{} ({reason})", gates.join(" ")),
        None => gates.join(" "),
    };
    let place = route.place();
    let place = place.map(|place| format!("{}:{}", view.file(&place), place.line));
    let cells = [
        route.evidence.to_string(),
        route.methods_text(),
        route.path.clone(),
        why,
        place.unwrap_or_default(),
    ];
    let dash = |cell: &String| {
        if cell.is_empty() {
            "-".to_owned()
        } else {
            clean(cell)
        }
    };
    cells.iter().map(dash).collect()
}

/// `rows` with their columns below each other. `right` says which ones end at the same place.
fn aligned(rows: &[Vec<String>], right: impl Fn(usize) -> bool) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..count)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if right(column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            })
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}
