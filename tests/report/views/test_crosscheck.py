"""Beside native tools: what is compared, and how it is named."""

from __future__ import annotations

import msgspec

from hwbench.report.views.crosscheck import labels as short_labels
from hwbench.report.views.crosscheck import view as verify
from made_up.page import column, dataset, figure
from made_up.sample import proof_run, replace, sample_run


def test_a_comparison_with_native_tools_is_no_run() -> None:
    """It has its own section, one panel a tool, and stands beside the run instead of being one of two."""
    runs = dataset(sample_run(), proof_run())
    assert not runs.several
    section = verify(runs)
    shown = figure(section)
    assert [panel.title for panel in shown.panels] == ["likwid-bench", "C loop"]
    assert column(shown.table, "ours / native") == ["1.25", "0.500", "1.00"]
    assert column(shown.table, "native") == ["80.0 GB/s", "100 GFLOP/s", "200 M hops/s"]
    assert column(shown.table, "native command")[0] == "likwid-bench -t load"
    assert section is not None and "no mbw" in str(section.blocks[1])
    assert verify(dataset(sample_run())) is None


def test_comparisons_are_named_by_what_differs() -> None:
    """No topic and nothing that all like it share, so that no name is cut; whole where two would be one."""
    names = [
        "stream.load/simd L1 f8 1 4K",
        "stream.load/simd DRAM f8 2 4K",
        "peak.fma/512 f8 1 12",
        "peak.fma/512 f4 1 12",
    ]
    assert short_labels(names) == ["load/simd L1 1", "load/simd DRAM 2", "fma/512 f8", "fma/512 f4"]
    alike = ["a.same/x L1", "b.same/x L1"]
    assert short_labels(alike) == alike


def test_a_comparison_on_a_like_machine_says_how_it_differs() -> None:
    """On the hardware of a run of the page it stands under the machine's name alone."""
    run, proof = sample_run(), proof_run()
    first, *others = proof.machine.cpu.caches
    cpu = msgspec.structs.replace(proof.machine.cpu, caches=[msgspec.structs.replace(first, bytes=32768), *others])
    like = msgspec.structs.replace(proof, machine=msgspec.structs.replace(proof.machine, cpu=cpu))
    here = msgspec.structs.replace(
        run,
        machine=msgspec.structs.replace(
            run.machine, cpu=msgspec.structs.replace(cpu, caches=[msgspec.structs.replace(first, bytes=49152), *others])
        ),
    )
    title = figure(verify(dataset(here, like))).title
    assert title.startswith(f"another machine, {like.machine.name} (L1d 32 KiB against 48 KiB here), ")
    assert figure(verify(dataset(here, run, proof))).title.startswith(f"{proof.machine.name}, ")


def test_a_comparison_of_absurd_numbers_is_shown() -> None:
    """Ratios beyond any axis are cut there, and told in the table."""
    run = proof_run()
    values = zip(run.records[:2], (5e-324, 1e300), strict=True)
    ours, native = (msgspec.structs.replace(record, samples=[value] * 3) for record, value in values)
    section = verify(dataset(replace(run, records=[ours, native])))
    assert column(figure(section).table, "ours / native") == ["–"]
