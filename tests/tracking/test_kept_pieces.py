"""Pieces of constant level are detected once for the same values and weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.tracking import kept_pieces
from hwbench.tracking.kept_pieces import Piece, Work

pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")


def test_only_new_series_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pieces come from the cache; other values or weights are detected; a damaged file costs only time."""
    monkeypatch.setattr(kept_pieces, "LEAST", 1)
    asked: list[float] = []

    def detect(work: list[Work]) -> list[list[Piece]]:
        asked.extend(values[0] for values, _ in work)
        return [[(0, len(values), values[0])] for values, _ in work]

    def found(*work: Work) -> list[list[Piece]]:
        asked.clear()
        return kept_pieces.through(work, detect, tmp_path)  # type: ignore[arg-type]

    one, two = ([1.0, 2.0], [None, 3.0]), ([5.0, 2.0], [1.0, 3.0])
    assert found(one) == [[(0, 2, 1.0)]]
    assert found(two, one, one) == [[(0, 2, 5.0)], [(0, 2, 1.0)], [(0, 2, 1.0)]]
    assert asked == [5.0]
    assert found(([1.0, 2.0], [None, 4.0]))
    assert asked == [1.0]
    for path in tmp_path.iterdir():
        path.write_bytes(b"x")
    found(one)
    assert asked == [1.0]
