//! A file that lines are appended to. It is opened anew for each batch, so that whoever rotates it only has to rename
//! it, and a batch counts when it is on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// How much is looked at at once for the end of the last whole line.
const STEP: u64 = 4096;

/// Appends `text`, which ends with a line feed, to the file `name` in `directory`.
pub(super) fn append(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = directory.join(name);
    // Nobody else's file is to be written to through a link.
    if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is no plain file"));
    }
    let is_new = !path.exists();
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)?;
    drop_torn_line(&mut file)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    if is_new {
        // The name is on the disk, too.
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Cuts off what a crash left of a line: its record comes again, whole.
fn drop_torn_line(file: &mut File) -> io::Result<()> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let whole = end;
    let mut piece = Vec::with_capacity(4096);
    while end > 0 {
        let start = end.saturating_sub(STEP);
        piece.clear();
        file.seek(SeekFrom::Start(start))?;
        io::Read::by_ref(file)
            .take(end - start)
            .read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            let kept = start + at as u64 + 1;
            return if kept < whole {
                file.set_len(kept)
            } else {
                Ok(())
            };
        }
        end = start;
    }
    if whole > 0 { file.set_len(0) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_a_torn_one_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        append(dir.path(), "a.jsonl", "{\"a\":1}\n").unwrap();
        append(dir.path(), "a.jsonl", "{\"a\":2}\n{\"a\":3}\n").unwrap();
        let mut torn = fs::read_to_string(&path).unwrap();
        assert_eq!(torn, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
        torn.push_str("{\"a\":\"");
        torn.push_str(&"x".repeat(10_000));
        fs::write(&path, &torn).unwrap();
        append(dir.path(), "a.jsonl", "{\"a\":4}\n").unwrap();
        let lines = fs::read_to_string(&path).unwrap();
        assert_eq!(lines, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\":4}\n");
        fs::write(&path, "half").unwrap();
        append(dir.path(), "a.jsonl", "{}\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
    }

    #[test]
    fn who_renames_the_file_gets_a_new_one_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), "a.jsonl", "1\n").unwrap();
        fs::rename(dir.path().join("a.jsonl"), dir.path().join("a.jsonl.1")).unwrap();
        append(dir.path(), "a.jsonl", "2\n").unwrap();
        assert_eq!(
            fs::read_to_string(dir.path().join("a.jsonl")).unwrap(),
            "2\n"
        );
        std::os::unix::fs::symlink(dir.path().join("a.jsonl.1"), dir.path().join("b.jsonl"))
            .unwrap();
        assert!(append(dir.path(), "b.jsonl", "3\n").is_err());
        let mode = fs::metadata(dir.path().join("a.jsonl")).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777,
            0o600
        );
        assert!(append(&dir.path().join("none"), "a", "1\n").is_err());
    }
}
