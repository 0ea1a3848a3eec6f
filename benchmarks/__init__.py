"""The benches of hwbench as asv tracks them from commit to commit.

A module a topic, a class a bench, named so that asv's `stream.load.track_seconds` is hwbench's `stream.load`. What is
timed is in the package, at the commit that asv has installed. Names, parameters and versions are here: asv reads them
from the working tree for all commits.
"""

import hashlib as _hashlib
import importlib.util as _util
import os as _os
import sys as _sys
from pathlib import Path as _Path


def _kernel_cache() -> str:
    """A directory of compiled kernels for this hwbench in this environment.

    Numba recompiles a kernel only when the kernel's own file changes, and asv installs commits over one another: so
    each state of the sources gets its own cache.
    """
    state = _hashlib.sha256(_sys.prefix.encode())
    package = _util.find_spec("hwbench")
    if package is not None and package.origin is not None:
        for source in sorted(_Path(package.origin).parent.rglob("*.py")):
            state.update(source.read_bytes())
    return str(_Path(__file__).resolve().parents[1] / ".asv" / "kernels" / state.hexdigest()[:16])


# Numba reads it when it is imported, after this module.
_os.environ.setdefault("NUMBA_CACHE_DIR", _kernel_cache())
