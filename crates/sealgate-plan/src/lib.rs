//! What a file declares and what a server has: reading the one, comparing both, and saying what a change
//! risks. Pure.
