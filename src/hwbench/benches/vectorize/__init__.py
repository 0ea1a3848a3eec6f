"""TODO benches.vectorize."""
