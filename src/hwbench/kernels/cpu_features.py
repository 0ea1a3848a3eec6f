"""The host's instruction set, as Numba compiles for it: features, and the widths of vector registers."""

from __future__ import annotations

import functools
import platform
from typing import Any

import llvmlite.binding
import numba

config: Any = numba.config  # set up as it is imported, so that its type says nothing


@functools.cache
def features() -> frozenset[str]:
    """What Numba compiles for, in LLVM's words (`avx512f`, `fma`, `neon`): the host's, less what NUMBA_* turns off."""
    if config.CPU_FEATURES is not None:
        return frozenset(word[1:] for word in config.CPU_FEATURES.split(",") if word.startswith("+"))
    try:
        host = llvmlite.binding.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot tell on every system; what every CPU of the architecture has remains
        return frozenset()
    avx = bool(config.ENABLE_AVX)
    return frozenset(name for name, there in host.items() if there and (avx or not name.startswith("avx")))


def widths() -> tuple[int, ...]:
    """The widths of this host's vector registers in bits, narrowest first."""
    found = features()
    wide = {256: {"avx2", "fma"}, 512: {"avx512f"}}
    return (128, *(bits for bits, needed in wide.items() if needed <= found))


def stream_width() -> int:
    """The bits that one instruction of this host can move to or from memory.

    The widest register; on AArch64 two of 128 bits, since ldp, stp and (the only non-temporal store) stnp move pairs.
    """
    return 256 if platform.machine().lower() in ("aarch64", "arm64") else widths()[-1]


def vector_registers() -> int:
    """How many vector registers there are: 32 with AVX-512 and on AArch64, 16 with AVX2 and less."""
    x86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
    return 16 if x86 and "avx512vl" not in features() else 32


def has_fma() -> bool:
    """Whether a fused multiply-add is one instruction here, and not a call of the C library."""
    return platform.machine().lower() in ("aarch64", "arm64") or "fma" in features()
