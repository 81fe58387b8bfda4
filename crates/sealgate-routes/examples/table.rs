//! Prints the route table of the applications at a path, one route a line.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: table PATH")?;
    let config = sealgate_inventory::Config::default();
    let inventory = sealgate_routes::scan(Path::new(&path), &config, &|_| {})?;
    println!("{}", serde_json::to_string_pretty(&inventory)?);
    Ok(())
}
