"""TODO measure."""
