"""The version of the installed hwbench."""

from importlib import metadata

__version__ = metadata.version("hwbench")
