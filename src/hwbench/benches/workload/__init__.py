"""Whole workloads: predicting house prices by a small neural network."""
