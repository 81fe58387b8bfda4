//! Anomalies: the rules at work, and what they raised.
