"""The record: what a run measured as plain data, its file, its units, and estimates from its samples."""
