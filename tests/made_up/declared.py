"""What the benches of this hwbench declare, as a run file holds it."""

from hwbench import catalog

DECLARED = {name: bench.info for name, bench in catalog.benches().items()}
