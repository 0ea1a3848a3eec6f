"""One look for the page and all its charts, light and dark.

Charts name their colours as CSS variables (`var(--c1)`), which SVG resolves where it stands: switching the theme
needs no new chart. Pictures outside a page get the values themselves (`resolved`).

The eight colours of `--c1` … `--c8` are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which people of every
colour vision tell apart, darker on white and lighter on dark until thin lines in them keep a contrast of 3:1.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable

from .sections import Spec

LIGHT = {
    "paper": "#f7f7f5", "card": "#ffffff", "ink": "#1b1f24", "ink-2": "#57606a", "line": "#d9dce1", "grid": "#e9ebee",
    "accent": "#0a5fa8", "warn": "#a04a00", "good": "#1f7a3d", "bad": "#b3261e",
    "c1": "#0072b2", "c2": "#d55e00", "c3": "#008a64", "c4": "#b85a94", "c5": "#3f9bd4", "c6": "#a88400",
    "c7": "#6a51a3", "c8": "#6b7480",
}  # fmt: skip
DARK = {
    "paper": "#0e1116", "card": "#161b22", "ink": "#e6e9ee", "ink-2": "#a0a9b4", "line": "#30363f", "grid": "#262c35",
    "accent": "#6cb2f5", "warn": "#f0a45c", "good": "#5fce86", "bad": "#ff8a80",
    "c1": "#4ba3e3", "c2": "#ff8340", "c3": "#2fc598", "c4": "#e591c4", "c5": "#9ad4f7", "c6": "#e3bf3c",
    "c7": "#ab98ec", "c8": "#a3adb8",
}  # fmt: skip
SLOTS = tuple(f"c{i}" for i in range(1, 9))

# Known variants: those that meet in a bench differ in colour.
KNOWN = {
    "loop": "c2", "comprehension": "c6", "numpy": "c1", "numba": "c3", "prange": "c7",
    "simd": "c4", "simd-nt": "c5", "cupy": "c6", "raw": "c4",
    "row": "c3", "column": "c2", "numpy-row": "c1", "numpy-column": "c6",
    "scalar": "c8", "128": "c6", "256": "c1", "512": "c4", "chase": "c1",
    "sorted": "c3", "shuffled": "c2", "branch-free": "c1", "read": "c1", "write": "c2", "store": "c1", "exchange": "c4",
}  # fmt: skip

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def var(name: str) -> str:
    """The colour as charts name it."""
    return f"var(--{name})"


CONFIG: Spec = {
    "aria": False,  # the page says what a chart shows; a label on every mark would only be in the way
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": var("ink-2"), "titleColor": var("ink-2"), "titleFontWeight": "normal", "titleFontSize": 12,
        "labelFontSize": 11, "gridColor": var("grid"), "domainColor": var("line"), "tickColor": var("line"),
        "labelLimit": 150, "titlePadding": 8, "tickSize": 4, "labelPadding": 4,
    },
    "axisY": {"domain": False, "ticks": False},
    "title": {
        "color": var("ink-2"), "fontWeight": "normal", "fontSize": 12, "anchor": "start", "frame": "bounds",
        "offset": 8,
    },
    "text": {"fill": var("ink-2"), "fontSize": 11},
    "rule": {"color": var("ink")},
    "legend": {"labelColor": var("ink-2"), "titleColor": var("ink-2"), "labelFontSize": 11, "symbolType": "square"},
    "line": {"strokeWidth": 2},
    "point": {"filled": True, "size": 36},
}  # fmt: skip


def assign(together: Iterable[Iterable[str]]) -> dict[str, str]:
    """A colour slot for each variant, given the sets of variants that meet in a bench.

    Known variants keep theirs; another takes the slot that its name hashes to, or the next that no neighbour has. So
    the same variants have the same colours on every page.
    """
    benches = [sorted(names) for names in together]
    taken = {name: KNOWN[name] for names in benches for name in names if name in KNOWN}
    for name in sorted({name for names in benches for name in names} - set(taken)):
        neighbours = {taken[other] for names in benches if name in names for other in names if other in taken}
        plain = name.partition(" (")[0]  # `opencl (this CPU)` has the colour of `opencl`
        hashed = zlib.crc32(plain.encode("utf-8", "replace")) % len(SLOTS)
        start = SLOTS.index(KNOWN[plain]) if plain in KNOWN else hashed
        order = SLOTS[start:] + SLOTS[:start]
        taken[name] = next((slot for slot in order if slot not in neighbours), order[0])
    return taken


def css() -> str:
    """The variables of both themes: by the system's preference, and by choice (`data-theme` on the root)."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in theme.items()) for theme in (LIGHT, DARK))
    chosen = ":root[data-theme=dark]"
    unless_light = ":root:not([data-theme=light])"
    return "".join(
        (
            f":root{{color-scheme:light;{light}}}",
            f"@media (prefers-color-scheme:dark){{{unless_light}{{color-scheme:dark;{dark}}}}}",
            f"{chosen}{{color-scheme:dark;{dark}}}",
            f"@media print{{:root,{unless_light},{chosen}{{color-scheme:light;{light}}}}}",
        )
    )


def resolved(spec: Spec, colours: dict[str, str] = LIGHT) -> Spec:
    """The spec with colour values in place of variables, for where there is no style sheet."""
    text = json.dumps(spec)
    for name, value in colours.items():
        text = text.replace(var(name), value)
    out: Spec = json.loads(text)
    return out
