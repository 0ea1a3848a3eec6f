"""What a balance suits: the sentences carry the numbers that follow from the figures."""

import msgspec
import pytest

from hwbench.record.model import Gpu
from hwbench.report.views.cpu_vs_gpu import view as machine_view
from hwbench.report.views.suitability import verdict
from made_up.cpu_and_gpu import MACHINE, on_gpu, peak, run_of, said, stream
from made_up.page import dataset


def test_sentences_carry_the_numbers():
    """20 flop a byte, 5 ms an answer, 40 examples until arithmetic binds; the Titan X is 24 and 27.5 times as fast."""
    text = said(machine_view(dataset(run_of([peak(), stream()]))))
    assert "This machine does 20.0 float32 operations in the time that a byte takes" in text
    assert "at least 5.00 ms here. From 40 examples" in text
    assert "208 µs, 24.0 times as fast" in text
    assert "96.0 ms here and 3.49 ms there, 27.5 times as fast" in text
    assert (
        "a machine for inference: beside TITAN X (Pascal) it gives up a factor of 24.0 there, and of 27.5 in training"
        in text
    )
    assert "takes 6.25 ms, longer than the 5.00 ms" in text


def test_a_measured_gpu_and_its_link_stand_before_the_lectures():
    """10 TFLOP/s and 1 TB/s are 50 and 25 times the CPU's; weights cross 50 GB/s in 2 ms, the lecture's in 6.25."""
    card = [
        on_gpu("device.peak", 10e12, "flops", {"dtype": "f4", "chains": 8}),
        on_gpu("device.stream", 1e12, "bytes", {"kernel": "copy", "size": "HBM"}, footprint=2**30, l2_bytes=2**20),
        on_gpu("transfer.copy", 50e9, "bytes", {"direction": "h2d", "memory": "pinned", "size": "1GiB"}),
        on_gpu("transfer.copy", 40e9, "bytes", {"direction": "d2h", "memory": "pinned", "size": "1GiB"}),
    ]
    machine = msgspec.structs.replace(MACHINE, gpus=[Gpu(name="Card", memory=2**33)])
    text = said(machine_view(dataset(run_of([peak(), stream(), *card], machine))))
    assert "This machine's CPU does 20.0 float32 operations" in text
    assert "its own Card 10.0 (measured)" in text
    assert "Card answers in 100 µs, 50.0 times as fast" in text
    assert "96.0 ms here and 3.84 ms there, 25.0 times as fast" in text
    assert "beside Card it gives up a factor of 25.0 there, and of 50.0 in inference" in text
    assert "the measured link to it, pinned memory (50.0 GB/s) takes 2.00 ms, less than the 5.00 ms" in text
    assert "208 µs, 24.0 times as fast" in text  # the lecture's card, all the same
    assert "the lecture's PCIe 3.0 ×16 (16.0 GB/s) takes 6.25 ms, longer than the 5.00 ms" in text


def test_each_runs_cpu_stands_beside_its_own_gpu():
    """A card of one run says nothing about the CPU of another."""
    card = [
        on_gpu("device.peak", 10e12, "flops", {"dtype": "f4", "chains": 8}),
        on_gpu("device.stream", 1e12, "bytes", {"kernel": "copy", "size": "HBM"}, footprint=2**30, l2_bytes=2**20),
    ]
    machine = msgspec.structs.replace(MACHINE, name="with", gpus=[Gpu(name="Card", memory=2**33)])
    text = said(machine_view(dataset(run_of([peak(), stream(), *card], machine), run_of([peak(), stream()]))))
    assert "with, 2026-01-01's CPU does" in text
    assert text.count("Card answers") == 1


@pytest.mark.parametrize(
    ("faster", "trained", "words"),
    [
        (10, 40, "a machine for inference"),
        (40, 10, "a machine for training"),
        (20, 21, "no better suited"),
        (0.5, 0.9, "alike"),
    ],
)
def test_the_verdict_follows_the_ratios(faster, trained, words):
    """What gives up less is what the machine suits; within a tenth neither; where it is as fast, both."""
    assert words in verdict("This machine", "that card", faster, trained)
