"""TODO benches.peak."""
