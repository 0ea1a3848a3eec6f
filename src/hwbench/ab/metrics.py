"""`--metric NAME=REGEX`: a number in what a command prints."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..tracking.directions import direction, unit_of
from .values import Value

FORM = re.compile(r"(?P<name>[^=\[\]]+?)\s*(\[(?P<unit>[^\]]*)\])?=(?P<regex>.+)", re.DOTALL)


@dataclass(frozen=True)
class Metric:
    """A name, a unit ("" where none is stated), and the pattern whose first group is the number."""

    name: str
    unit: str
    pattern: re.Pattern[str]

    def value(self, said: str) -> Value:
        """The median of all that the pattern finds in an output; failed where it finds no number."""
        numbers = []
        for found in self.pattern.finditer(said):
            try:
                numbers.append(float(found[1].replace(",", "")))
            except (ValueError, AttributeError):
                continue
        numbers = [number for number in numbers if math.isfinite(number)]
        way = direction(self.unit, self.name)
        value = float(np.median(numbers)) if numbers else 0.0
        unfit, why = ("skipped", f"{value:g} has no ratio") if numbers else ("failed", "the output has no such number")
        good = value > 0
        return Value(
            bench=self.name, unit=self.unit, higher=way.higher, sure=way.sure, value=value if good else None,
            unfit="" if good else unfit, why="" if good else why,
        )  # fmt: skip


def metrics(texts: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of the command line; UsageError says what is wrong with one."""
    found = []
    for text in texts:
        form = FORM.fullmatch(text)
        if form is None:
            raise UsageError(
                f"--metric {text}: is not of the form NAME=REGEX or NAME[UNIT]=REGEX, such as "
                r"'rate[MB/s]=rate: ([\d.]+)'"
            )
        try:
            pattern = re.compile(form["regex"], re.MULTILINE)
        except re.error as error:
            raise UsageError(f"--metric {text}: is no regular expression ({error})") from None
        if not pattern.groups:
            raise UsageError(f"--metric {text}: has no group for the number, such as ([0-9.]+)")
        found.append(Metric(form["name"], unit_of((form["unit"] or "").strip(), form["name"]), pattern))
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"--metric {twice[0]}: is given twice; each needs a name of its own")
    return tuple(found)
