"""Python loops against NumPy and compiled loops: calls, temporaries, reductions."""
