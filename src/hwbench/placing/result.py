"""What placing gives in Python and in notebooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..counting.model import Range
from ..record import text
from ..record.model import JsonObject
from . import lines
from .model import Advice, Bytes, Placed, Point, as_json
from .roofs import Roofs
from .subject import Function, name_of


class Placement:
    """A function under the measured roofs of this machine. In a notebook it shows itself on the roofline."""

    def __init__(self, placed: Placed, roofs: Roofs) -> None:
        self.placed = placed
        self.roofs = roofs

    @property
    def point(self) -> Point:
        """Everything that is known."""
        return self.placed.points[-1]

    @property
    def share(self) -> float:
        """The least time for the compulsory bytes and flops under the roof, over the median."""
        return self.point.share

    @property
    def share_issued(self) -> float | None:
        """The same for the issued bytes; None where these are not known."""
        return self.point.share_issued

    @property
    def seconds(self) -> float:
        """The median of a call."""
        return self.point.seconds.value

    @property
    def roof(self) -> str:
        """The roof and its height: `DRAM triad, 1 thread, 18.0 GB/s`."""
        roof = self.point.roof
        return f"{roof.name}, {text.amount(roof.shown, roof.metric.unit)}"

    @property
    def bytes(self) -> Bytes:
        """Compulsory, issued and moved bytes."""
        return self.point.bytes

    @property
    def flops(self) -> Range | None:
        """The flops of a call, as an interval; None where they are not known."""
        return self.point.counts.flops

    @property
    def threads(self) -> int:
        """The threads that the function ran on."""
        return self.point.threads

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What would make it faster, the greatest expected gain first."""
        return self.point.advice

    @property
    def doubt(self) -> str:
        """What speaks against the figures; "" for nothing."""
        return self.point.doubt

    def as_dict(self) -> JsonObject:
        """The plain data that `hwbench place --json` gives."""
        return as_json(self.placed)

    def __repr__(self) -> str:
        return "\n".join(lines.of(self.placed))

    def _repr_html_(self) -> str:
        """The chart as SVG, and the lines below it."""
        from .page import fragment

        return fragment(self.placed, self.roofs)


class Decorated:
    """A function that runs as before, and is placed with the arguments of its last call when it is asked for it."""

    def __init__(self, function: Function, place: Callable[..., Placement]) -> None:
        self.__wrapped__ = function
        self.__name__ = name_of(function)
        self.__doc__ = function.__doc__
        self._place = place
        self._last: tuple[tuple[object, ...], dict[str, object]] | None = None
        self._placed: Placement | None = None

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Run the function."""
        self._last, self._placed = (args, kwargs), None
        return self.__wrapped__(*args, **kwargs)

    def place(self, *args: object, **kwargs: object) -> Placement:
        """Place the function with these arguments."""
        self._last = args, kwargs
        self._placed = self._place(self.__wrapped__, *args, **kwargs)
        return self._placed

    @property
    def placed(self) -> Placement:
        """The function placed with the arguments of its last call; measured when first asked for."""
        if self._placed is None:
            if self._last is None:
                raise ValueError(f"{self.__name__} was not called yet; call it, or {self.__name__}.place(…)")
            args, kwargs = self._last
            self.place(*args, **kwargs)
        assert self._placed is not None
        return self._placed

    def __getattr__(self, name: str) -> Any:
        if name in ("share", "share_issued", "roof", "bytes", "advice", "seconds", "doubt"):
            return getattr(self.placed, name)
        return getattr(self.__wrapped__, name)

    def __repr__(self) -> str:
        shown = f"\n{self._placed!r}" if self._placed is not None else ""
        return f"<{self.__name__}, placed by hwbench when asked: {self.__name__}.share>{shown}"

    def _repr_html_(self) -> str | None:
        return self._placed._repr_html_() if self._placed is not None else None
