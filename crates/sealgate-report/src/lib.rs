//! The evidence report: what was measured of each control, and what was not shown. Pure.
