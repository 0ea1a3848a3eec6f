"""TODO benches.parallel."""
