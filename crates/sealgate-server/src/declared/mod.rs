//! What a file declares: exporting it, comparing and applying it as one.
