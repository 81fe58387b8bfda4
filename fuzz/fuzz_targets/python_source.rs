//! Python files of other people: whatever is written in them, they are read, and said to be strange.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_routes::source::Sources;

fuzz_target!(|files: (&[u8], &[u8])| {
    let (package, main) = files;
    let named = [("app/__init__.py", package), ("app/main.py", main)];
    let sources = Sources::in_memory(named.map(|(path, text)| (path.to_owned(), text)));
    for module in sources.modules() {
        let loaded = sources.load(module).unwrap();
        let length = u32::try_from(loaded.text.len()).unwrap();
        for error in &loaded.errors {
            assert!(u32::from(error.range.start()) <= length, "{error:?}");
            assert_ne!(error.text, "the parser gave up");
        }
        for (line, _) in sources.public_comments(module) {
            assert!(*line >= 1);
        }
    }
});
