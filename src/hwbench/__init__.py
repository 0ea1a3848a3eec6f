"""hwbench: what this machine can do, and how much of it your Python gets."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import load, measure, place, roofline, roofs
    from .bench import Bench, Pages, Skip, Sweep, Threads, Work
    from .record.model import Case, Record, Run
    from .version import __version__ as __version__

__all__ = ["Bench", "Case", "Pages", "Record", "Run", "Skip", "Sweep", "Threads", "Work", "load", "measure",
           "place", "roofline", "roofs"]  # fmt: skip

# The module of each public name. It is imported on first use, so that `import hwbench` is cheap.
_HOMES = {
    "Bench": "bench", "Pages": "bench", "Skip": "bench", "Sweep": "bench", "Threads": "bench", "Work": "bench",
    "Case": "record.model", "Record": "record.model", "Run": "record.model",
    "__version__": "version", "load": "api", "measure": "api", "place": "api", "roofline": "api", "roofs": "api",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hwbench' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
