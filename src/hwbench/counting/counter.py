"""Counts the work of one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .model import Counts


def count(
    function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, *,
    hardware: bool = False,
) -> Counts:  # fmt: skip
    """The bytes and flops of `function(*args, **kwargs)`."""
    raise NotImplementedError
