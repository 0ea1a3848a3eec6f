"""What operations on Python's own objects cost."""
