"""TODO benches.stability."""
