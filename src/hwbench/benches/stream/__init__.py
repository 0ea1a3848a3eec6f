"""TODO benches.stream."""
