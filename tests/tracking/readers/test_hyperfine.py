"""hyperfine's files."""

from __future__ import annotations

import json

import pytest

from hwbench.errors import StoreError
from hwbench.tracking.readers import hyperfine


def test_a_command_is_a_case_with_its_parameters(tmp_path):
    """The median of its times, or what hyperfine states where the times are not there."""
    path = tmp_path / "a.json"
    one = {"command": "sleep 1", "mean": 1.1, "median": 1.0, "times": [0.9, 1.0, 1.4], "parameters": {"n": "1"}}
    path.write_text(json.dumps({"results": [one, {"command": "true", "mean": 0.5, "min": 0.4, "max": 10**400}]}))
    first, second = hyperfine.entries(path)
    assert second.measurements[0].stats == {"min": 0.4, "mean": 0.5}
    assert (first.bench, first.value, first.params) == ("sleep 1", 1.0, {"n": "1"})
    assert (second.bench, second.value) == ("true", 0.5)


@pytest.mark.parametrize("text", ["[]", "{}", '{"results": [{}]}', '{"results": [{"command": "a", "mean": "x"}]}'])
def test_what_is_no_file_of_hyperfine_is_one_line(tmp_path, text):
    """With the path."""
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"a\.json: (is no file of hyperfine|results\[0\]: lacks)"):
        hyperfine.entries(path)
