"""Arrays that take seconds to compute and are the same each time: kept beside the kernels for the next process."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from .. import cache
from .compiling import kernel_cache
from .cpu_features import features

LARGEST = 2**24  # bytes of a file that is read


def arrays(topic: str, name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What `make` gives, or gave to an earlier process for this name on this CPU with the same code and NumPy.

    The code is that of this package and of the benches' helpers (`benches/**/_*.py`), after which the kernel cache is
    named. What BLAS computes depends on the CPU that it sees.
    """
    folder = kernel_cache()
    if folder is None:
        return make()
    seen = (name, np.__version__, sorted(features()), os.environ.get("OPENBLAS_CORETYPE"))
    file = folder / topic / f"{hashlib.sha256(repr(seen).encode()).hexdigest()[:32]}.npz"
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        if file.stat().st_size <= LARGEST and not cache.strangers(file):
            with np.load(file, allow_pickle=False) as found:
                return {key: found[key] for key in found.files}
    made = make()
    with suppress(OSError):  # where it cannot be kept, the next process computes it anew
        file.parent.mkdir(mode=0o700, exist_ok=True)
        spare = file.with_suffix(f".{os.getpid()}.npz")
        save: Callable[..., None] = np.savez  # to a type checker each array may be its flag
        save(spare, **made)
        spare.replace(file)
    return made
