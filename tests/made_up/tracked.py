"""Reads the data of a history as the page's script does."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any


def read(data: bytes) -> dict[str, Any]:
    """The JSON of the data; each series with its `commits`, `values`, and the ends of its intervals `low`, `high`."""
    length = int.from_bytes(data[:4], "little")
    found: dict[str, Any] = json.loads(data[4 : 4 + length])
    rest = data[4 + length :]
    count = len(rest) // 5
    planes = [rest[i * count : (i + 1) * count] for i in range(5)]
    at = 0
    for series in (one for case in found["cases"] for one in case["series"]):
        commits = [place - 1 for place in itertools.accumulate(found["places"][series["p"]])]
        series |= {"commits": commits, "values": [], "low": [], "high": []}
        for k in range(at, at + len(commits)):
            zigzag = planes[0][k] + 256 * planes[1][k] + 65536 * planes[2][k]
            whole = -(zigzag + 1) // 2 if zigzag % 2 else zigzag // 2
            value = whole * series["q"] if "q" in series else series["m"] * math.exp(whole * found["fine"])
            series["values"].append(value)
            for name, plane, sign in (("low", planes[3], -1), ("high", planes[4], 1)):
                size = 0.0 if plane[k] == 0 else 1e-6 * 2 ** ((plane[k] - 1) / found["ends"]) * value
                series[name].append(None if plane[k] == 255 else value + sign * size)
        at += len(commits)
    return found
