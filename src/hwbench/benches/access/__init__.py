"""Walks through memory: rows against columns, strides, orders of access, loop order and blocking."""
