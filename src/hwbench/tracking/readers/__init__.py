"""TODO tracking.readers."""
