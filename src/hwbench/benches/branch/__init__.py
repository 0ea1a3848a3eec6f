"""TODO benches.branch."""
