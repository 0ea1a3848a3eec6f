"""`hwbench lecture`: every claim with its command, within the width, and as JSON."""

import json

from hwbench.cli.lecture import lecture, told
from hwbench.report import lecture as deck


def test_every_claim_has_its_command():
    """A command stands in a line of its own, to be copied; all other lines fit."""
    lines = told(80)
    for command in (one for part in deck.parts() for slide in part.claims for one in slide.commands):
        assert f"    $ {command}" in lines
    assert "    $ hwbench run vectorize.add device.peak --device opencl" in lines
    assert "GPUs by CUDA alone" not in " ".join(lines)
    assert all(
        len(line) <= 80 for line in lines if not line.startswith("    $") and not line.startswith("hwbench report")
    )


def test_json_has_all_claims(capsys):
    """A list of objects, in the order of the deck."""
    lecture(json=True)
    rows = json.loads(capsys.readouterr().out)
    assert [row["slide"] for row in rows] == [slide.title for part in deck.parts() for slide in part.claims]
    assert {row["of"] for row in rows} <= {*deck.KINDS}
