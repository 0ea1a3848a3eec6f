"""Views of the lecture's applications: stability, the systolic array, signal processing, house prices."""
