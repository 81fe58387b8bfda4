//! What a gate reports of itself: it is read or refused, and what is read fits and reads the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_audit::gate::{ROUTES_MOST, Report, TEXT_LIMIT, clipped};

fuzz_target!(|bytes: &[u8]| {
    let Ok(report) = serde_json::from_slice::<Report>(bytes) else {
        return;
    };
    if report.check().is_err() {
        return;
    }
    if let Some(routes) = report.table.as_ref().and_then(|table| table.routes.as_ref()) {
        assert!(routes.len() <= ROUTES_MOST);
        for route in routes {
            assert_eq!(clipped(&route.template), route.template);
            assert!(route.detail.len() <= TEXT_LIMIT);
        }
    }
    let text = serde_json::to_vec(&report).unwrap();
    assert_eq!(serde_json::from_slice::<Report>(&text).unwrap(), report);
});
