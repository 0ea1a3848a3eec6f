"""The version of the installed hwbench."""


def __getattr__(name: str) -> str:
    """`__version__`, when it is asked for: looking it up takes as long as reading a small run."""
    if name != "__version__":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import metadata

    return metadata.version("hwbench")
