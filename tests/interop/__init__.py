"""Programs of other people against the control plane."""
