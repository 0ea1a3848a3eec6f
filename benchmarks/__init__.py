"""The benches of hwbench as asv tracks them from commit to commit.

One module a topic, one class a bench, named so that asv's `stream.load.track_seconds` is hwbench's `stream.load`. What
is timed lives in the package, at whichever commit asv has installed; here stand only names, parameters and versions,
since asv reads those from the working tree for all commits alike.
"""

import hashlib as _hashlib
import importlib.util as _util
import os as _os
import sys as _sys
from pathlib import Path as _Path


def _kernel_cache() -> str:
    """A directory of compiled kernels for this hwbench in this environment.

    Numba looks at a kernel's own file alone to see whether it has changed, and asv installs one commit over the other
    in the same place: each state of the sources gets a cache of its own.
    """
    state = _hashlib.sha256(_sys.prefix.encode())
    package = _util.find_spec("hwbench")
    if package is not None and package.origin is not None:
        for source in sorted(_Path(package.origin).parent.rglob("*.py")):
            state.update(source.read_bytes())
    return str(_Path(__file__).resolve().parents[1] / ".asv" / "kernels" / state.hexdigest()[:16])


# Read by Numba when it is imported, which is later than this module.
_os.environ.setdefault("NUMBA_CACHE_DIR", _kernel_cache())
