"""TODO crosscheck.tools."""
