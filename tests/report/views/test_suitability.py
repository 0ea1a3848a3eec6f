"""What a balance suits: the sentences carry the numbers that follow from the figures."""

import re

import msgspec
import pytest

from hwbench.record.estimate import Estimate
from hwbench.record.model import Gpu
from hwbench.report.views.cpu_vs_gpu import view as machine_view
from hwbench.report.views.suitability import verdict
from made_up.cpu_and_gpu import MACHINE, on_gpu, peak, run_of, said, stream
from made_up.page import dataset


def test_sentences_carry_the_numbers():
    """20 flop a byte, 5 ms an answer, 40 examples until arithmetic binds; the Titan X is 24 and 27.5 times as fast."""
    text = said(machine_view(dataset(run_of([peak(), stream()]))))
    assert "This machine does 20.0 float32 operations in the time in which memory delivers a byte. By" in text
    assert (
        "at least 5.00 ms here. Arithmetic becomes the limit from batches of 40 examples on; on TITAN X (Pascal) "
        "from 46" in text
    )
    assert (
        "TITAN X (Pascal), by its datasheet: inference, limited by memory, takes 208 µs instead of 5.00 ms, 24.0× "
        in text
    )
    assert "a training step, limited by arithmetic, takes 3.49 ms instead of 96.0 ms, 27.5× faster." in text
    assert (
        "This machine suits inference better than training: it is 24.0× slower than TITAN X (Pascal) at inference "
        "and 27.5× slower than TITAN X (Pascal) at training." in text
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
    assert "Card: inference, limited by memory, takes 100 µs instead of 5.00 ms, 50.0× faster" in text
    assert "takes 3.84 ms instead of 96.0 ms, 25.0× faster" in text
    assert "it is 25.0× slower than Card at training and 50.0× slower than Card at inference" in text
    assert "the measured link to it, pinned memory (50.0 GB/s) takes 2.00 ms, less than the 5.00 ms" in text
    assert "takes 208 µs instead of 5.00 ms, 24.0× faster" in text  # the lecture's card, all the same
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
    assert text.count("Card: inference") == 1


@pytest.mark.parametrize(
    ("faster", "trained", "words"),
    [
        (10, 40, "This machine suits inference better than training: it is 10.0× slower than that card at"),
        (40, 10, "This machine suits training better than inference: it is 10.0× slower than that card at"),
        (20, 21, "suits training and inference equally: it is 20.0× slower than that card at inference and 21.0"),
        (0.5, 0.9, "alike"),
    ],
)
def test_the_verdict_follows_the_ratios(faster, trained, words):
    """What gives up less is what the machine suits; within a tenth neither; where it is as fast, both."""
    assert words in verdict("This machine", "that card", *(Estimate(one, one, one) for one in (faster, trained)))


@pytest.mark.parametrize(("faster", "trained"), [((10, 8, 30), (40, 25, 50)), ((20, 15, 25), (21, 20, 22))])
def test_intervals_that_overlap_give_no_verdict(faster, trained):
    """Neither which it suits better nor that it suits both equally."""
    assert verdict("This machine", "that card", Estimate(*faster), Estimate(*trained)) == ""


def test_suspect_figures_are_marked_wherever_they_conclude():
    """A disturbed peak from 0.2 to 0.6 TFLOP/s: balance, batches and training have intervals and the reason."""
    disturbed = peak(status="suspect")
    disturbed = msgspec.structs.replace(disturbed, samples=[0.67e-3, 2e-3] * 5)
    text = said(machine_view(dataset(run_of([disturbed, stream()]))))
    steal = "(suspect: the hypervisor gave the CPU to other guests (steal))"
    assert re.search(
        r"This machine does 15.0 float32 operations \(10.0–29.9\) in the time .* a byte " + re.escape(steal), text
    )
    assert f"examples on; on TITAN X (Pascal) from 46 {steal}." in text
    assert re.search(r"3.49 ms instead of \d+ ms \(64–192\), [\d.]+× faster \(.*\) " + re.escape(steal), text)
    assert "suits" not in text
