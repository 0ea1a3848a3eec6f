"""TODO benches.latency."""
