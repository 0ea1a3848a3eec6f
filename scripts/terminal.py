"""The summary of a run as a terminal shows it, as an SVG that needs no font but the reader's own."""

from __future__ import annotations

import io

from rich.console import Console

from hwbench.analysis.reading import Reading
from hwbench.cli import summary

# rich's own format fetches its font from the network.
FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{
        font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
        white-space: pre;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: Helvetica, Arial, sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def svg(reading: Reading, title: str = "hwbench run") -> str:
    """What `hwbench show --summary` prints of it on a terminal of 80 columns."""
    console = Console(
        record=True, width=summary.WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor",
        legacy_windows=False,
    )  # fmt: skip
    summary.show(reading, console)
    drawn = console.export_svg(title=title, code_format=FORMAT, unique_id="summary")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"
