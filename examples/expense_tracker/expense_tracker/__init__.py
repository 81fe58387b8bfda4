"""An expense tracker behind the gate."""
