//! What is looked at whoever the client is. Each check says what is wrong in one sentence, and what to do.

mod resource;
mod server;

use super::super::report::Report;
use super::facts::Facts;

/// Judges everything that was seen.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    resource::door(facts, report);
    resource::bad_token(facts, report);
    resource::query(facts, report);
    resource::origin(facts, report);
    resource::metadata(facts, report);
    resource::slash(facts, report);
    resource::browser(facts, report);
    server::metadata(facts, report);
    server::clients(facts, report);
    server::endpoints(facts, report);
}
