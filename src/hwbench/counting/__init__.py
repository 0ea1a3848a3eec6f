"""How many bytes and flops a call of any function needs, and how many its code asks for: `count(function, args)`."""

from __future__ import annotations

from .counter import count
from .model import Counts, Range, Reuse, Stride, Temporary

__all__ = ["Counts", "Range", "Reuse", "Stride", "Temporary", "count"]
