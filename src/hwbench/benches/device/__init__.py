"""TODO benches.device."""
