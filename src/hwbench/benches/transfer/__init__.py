"""TODO benches.transfer."""
