"""Vendors' ratings by processor name, from `datasheets.toml`; never mixed with measured limits."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

PATH = Path(__file__).with_name("datasheets.toml")


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a rating was published; `url` is empty where it was computed."""

    title: str
    url: str


class Rating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of a datasheet in SI base units; `source` names a `Source`, `note` says what the sheet leaves open."""

    value: float
    source: str
    note: str = ""


class Processor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CPU or GPU as its vendor describes it; None where no figure was published.

    fp32, fp64
        FLOP/s of the ordinary cores.
    half
        FLOP/s in float16 or bfloat16, dense.
    memory, cache
        Bytes; the cache is the last level.
    bandwidth
        B/s to memory.
    """

    name: str
    kind: str
    match: tuple[str, ...] = ()
    cores: Rating | None = None
    fp32: Rating | None = None
    fp64: Rating | None = None
    half: Rating | None = None
    memory: Rating | None = None
    bandwidth: Rating | None = None
    cache: Rating | None = None

    @property
    def figures(self) -> dict[str, Rating]:
        """The published ratings by name."""
        named = {name: getattr(self, name) for name in RATINGS}
        return {name: figure for name, figure in named.items() if figure is not None}


RATINGS = ("cores", "fp32", "fp64", "half", "memory", "bandwidth", "cache")


class Datasheets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    sources: Mapping[str, Source]
    device: tuple[Processor, ...]

    def find(self, name: str, kind: str) -> Processor | None:
        """The processor whose pattern matches the name of a `cpu` or `gpu`; None without a match.

        Of several matches the longest counts.
        """
        found = [
            (hit.end() - hit.start(), device)
            for device in self.device
            if device.kind == kind
            for pattern in device.match
            if (hit := re.search(pattern, name.strip(), re.IGNORECASE))
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def named(self, name: str) -> Processor:
        """The processor of exactly this name; KeyError lists the known ones."""
        for device in self.device:
            if device.name == name:
                return device
        raise KeyError(f"{name} is not in {PATH.name}; there are {', '.join(device.name for device in self.device)}")


def parse(text: str) -> Datasheets:
    """Datasheets from TOML; ValueError says what is wrong and where."""
    try:
        specs = msgspec.convert(tomllib.loads(text), Datasheets, strict=False)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{PATH.name}: {error}") from None
    for device in specs.device:
        if device.kind not in ("cpu", "gpu"):
            raise ValueError(f"{PATH.name}: {device.name}: kind is '{device.kind}', which is neither cpu nor gpu")
        for name, figure in device.figures.items():
            if figure.source not in specs.sources:
                raise ValueError(f"{PATH.name}: {device.name}: {name}: no source is called '{figure.source}'")
            if not figure.value > 0:
                raise ValueError(f"{PATH.name}: {device.name}: {name}: {figure.value} is no amount")
    return specs


@functools.cache
def load() -> Datasheets:
    """The datasheets that hwbench ships."""
    return parse(PATH.read_text("utf-8"))
