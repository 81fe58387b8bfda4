//! The policies that this gate decides by: the bundle that it has loaded, and whether it still counts.
