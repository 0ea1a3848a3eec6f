"""Stores of runs."""
