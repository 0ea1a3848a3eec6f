"""A second distribution that owns the command `hwbench` and the package's folder: see it, and say what to do."""

from __future__ import annotations

from importlib import metadata

from ..version import DISTRIBUTION, FORMER


def found() -> str:
    """One line about an installed distribution called `hwbench`; "" without one. Never raises.

    It is another project, or this one as it was installed before it was renamed. Either way pip writes both over each
    other, and the remedy is the same.
    """
    try:
        other = metadata.distribution(FORMER)
        where = other.locate_file("")
    except Exception:  # noqa: BLE001 - none; or a damaged environment, which raises what its Python likes
        return ""
    try:
        version = f" {other.version}" if other.version else ""
    except Exception:  # noqa: BLE001 - its METADATA is damaged, but its files are there
        version = ""
    return (
        f"the distribution {FORMER}{version} in {where} has the same command and folder as {DISTRIBUTION}, and one may "
        f"run in place of the other: python -m pip uninstall {FORMER}, then install {DISTRIBUTION} again"
    )
