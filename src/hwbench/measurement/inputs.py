"""The inputs of a group's cases: made once for what they depend on, and made anew once something has changed them."""

from __future__ import annotations

import functools
import inspect
import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import TypeAlias, TypeGuard

import numpy as np

from ..bench import Bench, Inputs
from ..devices import Device
from ..protocols import Array, DeviceArray
from ..record.model import Case
from .order import generator
from .trial import Trial

Parameters: TypeAlias = tuple[tuple[str, str], ...]
"""Some of a case's axis values, as a key."""

Place: TypeAlias = tuple[Parameters, str, str]
"""What inputs depend on, the device that has them ("" for the host), and where on it the builder wants them."""


BLOCK = 4096  # words of 8 bytes: their factors stay in L1
PLAIN = {bool, int, float, complex, str, bytes, type(None)}  # types that hold no arrays


class SharedInputs:
    """What the variants of a group share and only read; a digest of each array tells whether one of them wrote it."""

    def __init__(self, bench: Bench, devices: Mapping[str, Device], seed: int) -> None:
        self._bench = bench
        self._devices = devices
        self._seed = seed
        self._first: dict[Parameters, Case] = {}  # whose random numbers they are made of, also when made anew
        self._made: dict[Place, Inputs] = {}
        self._digests: dict[Place, list[tuple[str, Array | DeviceArray, int]]] = {}
        self._given: dict[int, Inputs] = {}

    def host(self, trial: Trial) -> Inputs:
        """A trial's inputs as the bench makes them."""
        place, _ = self._places(trial)
        if place not in self._made:
            case = self._first.setdefault(place[0], trial.case)
            values = trial.values | {"rng": generator(self._seed, case)}
            self._keep(place, trial, self._bench.make_inputs(values))
        return self._made[place]

    def placed(self, trial: Trial) -> Inputs:
        """A trial's inputs as its builder gets them."""
        host, (_, place) = self.host(trial), self._places(trial)
        # The device is asked before each build: a GPU is made the current one.
        found = self._devices[place[1]].place(() if place in self._made else host, place[2])
        if place not in self._made:
            self._keep(place, trial, found, watched=found is not host)
        self._given[id(trial)] = self._made[place]
        return self._made[place]

    def holds(self, trial: Trial) -> bool:
        """Whether what a trial's builder got is unchanged."""
        return self._made.get(self._places(trial)[1]) is self._given[id(trial)]

    def changed(self, trial: Trial) -> str:
        """The input that is not as it was made, by name, or "": where one is, whoever asks next gets new ones."""
        places = self._places(trial)
        for name, array, before in (one for place in places for one in self._digests.get(place, ())):
            if digest(array) != before:
                for place in [place for place in self._made if place[0] == places[0][0]]:
                    del self._made[place], self._digests[place]
                return name
        return ""

    def among(self, trial: Trial, array: Array) -> bool:
        """Whether an array lies in a trial's inputs on the host."""
        mine = (one for _, one, _ in self._digests.get(self._places(trial)[0], ()) if isinstance(one, np.ndarray))
        return any(np.may_share_memory(array, one) for one in mine)

    def _places(self, trial: Trial) -> tuple[Place, Place]:
        """Where a trial's inputs are made, and where its builder gets them."""
        key = parameters(trial, self._bench.names("inputs"))
        return (key, "", ""), (key, trial.case.device, self._bench.variants[trial.case.variant].inputs)

    def _keep(self, place: Place, trial: Trial, inputs: Inputs, *, watched: bool = True) -> None:
        build = self._bench.variants[trial.case.variant].build
        names = [name for name in inspect.signature(build).parameters if name not in trial.values]
        names += [f"input {i + 1}" for i in range(len(names), len(inputs))]
        self._made[place] = inputs
        self._digests[place] = [
            (name, array, digest(array))
            for name, one in zip(names, inputs, strict=False)
            if watched and name not in self._bench.scratch
            for array in arrays(one)
            if not isinstance(array, np.ndarray) or array.flags.writeable
        ]


def parameters(trial: Trial, names: Sequence[str]) -> Parameters:
    """The values of those names that are axes, or the variant."""
    case = {*trial.case.params, *trial.case.unnamed, "variant"}
    return tuple((name, str(trial.values[name])) for name in names if name in case)


def arrays(of: object, seen: set[int] | None = None) -> Iterator[Array | DeviceArray]:
    """The arrays in an array, a tuple, a list, a dictionary, or the public attributes of any other object."""
    seen = set() if seen is None else seen
    if id(of) in seen or isinstance(of, type | ModuleType):
        return
    seen.add(id(of))
    if _on_device(of) or isinstance(of, np.ndarray):
        if not of.dtype.hasobject:
            yield of
    elif isinstance(of, tuple | list):
        if not {*map(type, of)} <= PLAIN:  # a list of a million numbers is not walked one by one
            for one in of:
                yield from arrays(one, seen)
    else:
        held = of if isinstance(of, dict) else {k: v for k, v in getattr(of, "__dict__", {}).items() if k[:1] != "_"}
        for one in held.values():
            yield from arrays(one, seen)


def digest(array: Array | DeviceArray) -> int:
    """A checksum of an array's bytes, which depends on their order.

    Blocks are multiplied with odd numbers, three times as fast as a CRC: a change of one word changes its block's sum.
    """
    host = array.get() if _on_device(array) else array
    found = np.ascontiguousarray(host).reshape(-1).view(np.uint8)
    whole = len(found) // (8 * BLOCK) * (8 * BLOCK)
    sums = np.einsum("ij,j->i", found[:whole].view(np.uint64).reshape(-1, BLOCK), _odd())
    return zlib.crc32(found[whole:].data, zlib.crc32(sums.data))


@functools.cache
def _odd() -> np.ndarray:
    """As many odd numbers as a block has words."""
    numbers: np.ndarray = np.random.default_rng(BLOCK).integers(0, 2**63, BLOCK, dtype=np.uint64) * np.uint64(2)
    return numbers + np.uint64(1)


def _on_device(array: object) -> TypeGuard[DeviceArray]:
    return hasattr(array, "get") and hasattr(array, "set") and hasattr(array, "dtype")
