"""`hwbench lecture`: the slides of the lecture in order, each with what it claims and the command that answers it."""

from __future__ import annotations

import shutil
import textwrap

from .console import echo, print_json
from .options import AsJson

WIDEST = 100


def lecture(json: AsJson = False) -> None:
    """List the lecture's slides with the command that tests each.

    A command tests a slide's claim on this machine.
    """
    from ..report import lecture as deck

    if json:
        print_json([
            {"part": part.name, "slide": slide.title, "claim": slide.claim, "benches": list(slide.benches),
             "of": slide.of, "command": slide.command, "cannot": slide.cannot}
            for part in deck.parts() for slide in part.claims
        ])  # fmt: skip
        return
    for line in told(min(WIDEST, shutil.get_terminal_size().columns)):
        echo(line)


def told(width: int) -> list[str]:
    """The lines: parts, slides with their claims, what kind of figure answers, and the command in a line of its own."""
    from ..report import lecture as deck

    out: list[str] = []
    for part in deck.parts():
        out += [*([""] if out else []), part.name]
        for slide in part.claims:
            said = [f"{slide.title}: {slide.claim}"]
            said += [f"{deck.KINDS[slide.of]}{f': {slide.cannot}' if slide.cannot else ''}"]
            for first, text in zip(("  ", "    "), said, strict=True):
                out += textwrap.wrap(
                    text, width, initial_indent=first, subsequent_indent="    ", break_long_words=False
                )
            out += [f"    $ {command}" for command in slide.commands]
    return [*out, "", "hwbench report draws what the runs answer: its topic Lecture has the same slides in order."]
