"""McCalpin's STREAM: how the binary is run, and what its output says."""

import shutil

import pytest

from hwbench.bench import Skip
from hwbench.crosscheck.tools import stream

STREAM_SAYS = """
STREAM version $Revision: 5.10 $
Array size = 20000000 (elements), Offset = 0 (elements)
Each kernel will be executed 10 times.
Number of Threads requested = 2
Number of Threads counted = 2
Function    Best Rate MB/s  Avg time     Min time     Max time
Copy:           25000.0     0.013000     0.012800     0.014000
Scale:          16000.5     0.020000     0.019999     0.021000
Add:            18000.0     0.027000     0.026666     0.028000
Triad:          18500.0     0.026000     0.025945     0.027000
"""


def test_stream_is_understood():
    """The best rates are in 10⁶ B/s; the first repetition is not counted."""
    said = stream.parse(STREAM_SAYS, "stream")
    assert (said.elements, said.threads, said.times) == (20_000_000, 2, 10)
    assert said.rates == {"copy": 25e9, "scale": 16000.5e6, "add": 18e9, "triad": 18.5e9}
    with pytest.raises(Skip, match=r"hello: does not print what STREAM 5.10 prints"):
        stream.parse("hello", "hello")


def test_stream_runs_on_the_threads_asked_for(tool):
    """The binary is told the number of threads by OpenMP's variable."""
    path = tool("stream", f"cat <<END\n{STREAM_SAYS}\nNumber of Threads counted = $OMP_NUM_THREADS\nEND".replace(
        "Number of Threads counted = 2\n", ""))  # fmt: skip
    path.write_text(path.read_text().replace("cat ", shutil.which("cat", path="/bin:/usr/bin") + " "))
    assert stream.run(path, 7).threads == 7


def test_a_missing_binary_is_named_with_the_remedy(tmp_path):
    """None was named, or it is no program."""
    assert "--stream PATH" in stream.why_not(None)
    assert "is no program that can be run" in stream.why_not(tmp_path)
