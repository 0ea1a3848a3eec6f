"""TODO benches.systolic."""
