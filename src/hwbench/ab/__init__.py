"""TODO ab."""
