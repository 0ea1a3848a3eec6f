"""What the benches of this hwbench declare, as a run file holds it."""

from hwbench import catalog
from hwbench.analysis.measures import completed
from hwbench.record.model import Run

DECLARED = {name: bench.info for name, bench in catalog.benches().items()}


def described(run: Run) -> Run:
    """The run with the declarations of this hwbench's benches."""
    return completed(run, catalog.benches())
