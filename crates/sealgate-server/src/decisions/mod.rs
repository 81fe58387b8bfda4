//! The decisions of gates: taking in what they report, and finding it again.
