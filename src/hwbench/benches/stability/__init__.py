"""Numerical stability of deep networks: initialisation, activations, gradients, in float16 to float64."""
