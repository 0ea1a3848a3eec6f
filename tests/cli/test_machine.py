"""`hwbench machine` as text and as JSON."""

from __future__ import annotations

import json

import pytest

from hwbench.host import numba_pool


@pytest.fixture(autouse=True)
def pool(monkeypatch):
    """No cache of the user's is read."""
    monkeypatch.setattr(numba_pool, "kept", lambda: numba_pool.Pool(3, "tbb"))


def test_machine_as_json_and_text(command):
    """This machine, its software and what disturbs, both ways."""
    data = json.loads(command("machine", "--json").out)
    assert set(data) == {"machine", "no_gpu", "software", "disturbances"}
    assert data["machine"]["cpu"]["logical"] >= 1
    assert (data["software"]["numba_threads"], data["software"]["threading_layer"]) == (3, "tbb")
    assert data["machine"]["name"] in command("machine").out
