//! What this gate reports to the control plane: its decisions, and how it is set up.
