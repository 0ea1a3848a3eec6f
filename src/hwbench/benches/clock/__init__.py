"""TODO benches.clock."""
