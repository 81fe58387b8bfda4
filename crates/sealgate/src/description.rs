//! `sealgate openapi`: the administration API's own description.

use serde_json::Value;

use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;
use crate::screen;

pub(crate) async fn run(place: Place) -> Result<(), Failure> {
    let door = Door::open(&place, None).await?;
    let document: Value = door.get("/openapi.json", &[]).await?;
    output::data(&screen::json_text(&document))
}
