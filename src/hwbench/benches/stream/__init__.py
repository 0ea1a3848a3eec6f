"""Bandwidth by level: McCalpin's STREAM kernels, and pure loads and stores."""
