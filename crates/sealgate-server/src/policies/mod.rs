//! The policies of gates: versions of the bundle, and handing it out.
