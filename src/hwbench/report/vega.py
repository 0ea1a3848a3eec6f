"""Vega-Lite's words as plain data: fields on channels, their scales and axes, and layers of marks.

The tests hold every chart against Vega-Lite's schema.
"""

from __future__ import annotations

from ..record.model import Json
from .sections import Spec

KINDS = {"Q": "quantitative", "N": "nominal"}


def options(**given: Json) -> Spec:
    """A scale, an axis or the look of a mark. Keys are sorted, so that a chart is always the same text."""
    return dict(sorted(given.items()))


def field(shorthand: str, **given: Json) -> Spec:
    """A field on a channel: numbers as `value:Q`, names as `group:N`."""
    name, _, kind = shorthand.partition(":")
    return options(field=name, type=KINDS[kind], **given)


def layer(data: str, mark: str, look: Spec | None = None, **channels: Json) -> Spec:
    """Marks of one kind, one for each row of the data set of this name, which several layers may share."""
    return {"data": {"name": data}, "mark": {"type": mark} | (look or {}), "encoding": options(**channels)}
