"""pyperf's files."""

from __future__ import annotations

import json

import pytest

from hwbench.errors import StoreError
from hwbench.tracking.readers import pyperf

ONE = {
    "version": "1.0",
    "metadata": {"unit": "second", "hostname": "box"},
    "benchmarks": [
        {"metadata": {"name": "sum"}, "runs": [{"warmups": [[1, 9.0]]}, {"values": [1.0, 2.0]}, {"values": [3.0]}]},
        {"metadata": {"name": "peak", "unit": "byte"}, "runs": [{"values": [1024]}]},
        {"metadata": {"name": "none"}, "runs": [{"warmups": [[1, 9.0]]}]},
    ],
}


def test_values_of_all_processes_are_one_measurement(tmp_path):
    """Warm-ups are none; a benchmark without values has failed."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ONE))
    sums, peak, none = pyperf.entries(path)
    assert (sums.bench, sums.value, sums.unit) == ("sum", 2.0, "s")
    assert (peak.value, peak.unit) == (1024, "bytes")
    assert none.failed


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"benchmarks": [{}]}', '{"benchmarks": [{"runs": [{"values": ["x"]}]}]}']
)
def test_what_is_no_file_of_pyperf_is_one_line(tmp_path, text):
    """With the path."""
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"a\.json: (is no file of pyperf|benchmarks\[0\]: lacks)"):
        pyperf.entries(path)
