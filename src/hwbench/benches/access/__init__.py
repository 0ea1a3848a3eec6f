"""TODO benches.access."""
