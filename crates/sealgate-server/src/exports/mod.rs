//! Exports: records on their way to other systems.
