//! Records in the forms of other systems: JSON Lines, OCSF, OpenTelemetry and syslog.
