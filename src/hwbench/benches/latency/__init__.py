"""Waiting for memory: dependent loads, alone, many at a time, beside streams, and between cores."""
