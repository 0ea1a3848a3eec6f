"""hwbench: what this machine can do, and how much of it your Python gets."""

from importlib import metadata as _metadata
from typing import TYPE_CHECKING, Any

__version__ = _metadata.version("hwbench")

if TYPE_CHECKING:
    from .api import load, measure, roofline
    from .bench import Bench, Pages, Skip, Sweep, Threads, Work
    from .record.model import Case, Record, Run

__all__ = ["Bench", "Case", "Pages", "Record", "Run", "Skip", "Sweep", "Threads", "Work", "load", "measure", "roofline"]

# Where each public name lives; imported when first asked for, so that `import hwbench` costs next to nothing.
_HOMES = {
    "Bench": "bench", "Pages": "bench", "Skip": "bench", "Sweep": "bench", "Threads": "bench", "Work": "bench",
    "Case": "record.model", "Record": "record.model", "Run": "record.model",
    "load": "api", "measure": "api", "roofline": "api",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hwbench' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
