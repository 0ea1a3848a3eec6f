"""The systolic array of the lecture, simulated: cycles of a product, and how busy its elements stay."""
