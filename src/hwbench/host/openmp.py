"""Where an OpenMP runtime binds its threads, by its own word (OMP_PROC_BIND, OMP_PLACES, GOMP_CPU_AFFINITY …)."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Literal

from ..record.model import Disturbance, JsonObject
from ..record.phrases import counted, listed
from ..record.reasons import Reason, because
from . import affinity
from .pseudo_files import ranges

VARIABLES = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
MOST = 4096  # places that are read
SHOWN = 16  # places in a line

Places = Sequence[Sequence[int]]


def layer() -> str:
    """Numba's threading layer; its pool is started if it was not."""
    import numba

    with affinity.kept():
        numba.get_num_threads()
        return str(numba.threading_layer())  # type: ignore[attr-defined,unused-ignore]


def places() -> Places:
    """The CPUs of each place to which the threads of a loaded runtime are bound; () where none binds any.

    Numba loads its runtime as it starts its pool.
    """
    import threadpoolctl

    for pool in threadpoolctl.threadpool_info():
        if pool.get("user_api") == "openmp":
            with suppress(OSError, AttributeError):  # AttributeError: a runtime of before OpenMP 4.5
                if found := _places(ctypes.CDLL(pool["filepath"])):
                    return found
    return ()


def _places(runtime: ctypes.CDLL) -> Places:
    if not runtime.omp_get_proc_bind():
        return ()
    found = []
    for place in range(min(runtime.omp_get_num_places(), MOST)):
        numbers = (ctypes.c_int * max(0, runtime.omp_get_place_num_procs(place)))()
        runtime.omp_get_place_proc_ids(place, numbers)
        found.append(tuple(numbers))
    return tuple(found)


def bound(places: Places, threads: int, variables: Mapping[str, str], allowed: Collection[int]) -> list[Disturbance]:
    """What is bound: a warning where `threads` threads share fewer CPUs, or where hwbench came too late; else a note.

    `variables` are those of the environment. `allowed` is the mask that hwbench found: a part of the places where a
    runtime that was loaded before had bound the thread.
    """
    cpus = {cpu for place in places for cpu in place}
    if not cpus:
        return []
    those = [name for name in VARIABLES if name in variables]
    shown = "; ".join(map(ranges, places[:SHOWN])) + (" …" if len(places) > SHOWN else "")
    why = f" ({listed(f'{name}={variables[name]}' for name in those)})" if those else ""
    remedy = f"unset {listed(those)}" if those else "set OMP_PROC_BIND=false"
    severity: Literal["note", "warning"] = "warning"
    if len(cpus) < threads:
        affects = (
            f"{counted(threads, 'thread')} of prange share {counted(len(cpus), 'CPU')}: a loop waits for threads that "
            "do not run, and may take a thousand times as long"
        )
    elif allowed and set(allowed) < cpus:
        affects = f"a library was loaded before hwbench, which takes CPUs {ranges(allowed)} for all that it may use"
        remedy += ", or import hwbench first"
    else:
        affects = (
            "a thread of prange cannot leave a CPU that another process uses; the thread that starts them, crews and "
            "child processes keep all CPUs"
        )
        severity = "note"
    return [Disturbance("OpenMP affinity", f"threads are bound to CPUs {shown}{why}", affects, remedy, severity)]


def crowded(facts: JsonObject) -> list[Reason]:
    """A reason to doubt work on Numba's OpenMP pool, by its facts: more threads than CPUs that they are bound to."""
    if facts.get("layer") != "omp":
        return []
    threads, have = facts.get("threads", 1), len({cpu for place in places() for cpu in place})
    return [because("bound_threads", f"{threads} threads on {counted(have, 'CPU')}")] if 0 < have < threads else []
