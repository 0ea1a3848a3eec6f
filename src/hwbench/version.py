"""The version of this hwbench, and the names that it is installed by."""

DISTRIBUTION = "hwbench-suite"
FORMER = "hwbench"  # its name before; on the package index, the name of another project
UNKNOWN = "0+unknown"


def __getattr__(name: str) -> str:
    """`__version__`, when it is asked for: looking it up takes as long as reading a small run."""
    if name != "__version__":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import metadata

    try:
        found = metadata.version(DISTRIBUTION)
    except Exception:  # noqa: BLE001 - not installed, or damaged: then it raises what its Python likes
        found = None
    return found or _of_checkout() or UNKNOWN


def _of_checkout() -> str | None:
    """The version in the pyproject.toml of the checkout that this file lies in; None elsewhere."""
    import tomllib
    from pathlib import Path

    try:
        file = Path(__file__).resolve().parents[2] / "pyproject.toml"
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        return str(project["version"]) if project["name"] == DISTRIBUTION else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
