"""Floating-point peak: by vector width, and in NumPy's matrix product."""
