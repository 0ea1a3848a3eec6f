"""Datasheet figures: every one has its source, names find their device, and a slip in the file is told in one line."""

import pytest

from hwbench.analysis import datasheets

GOOD = """
[sources.s]
title = "A sheet"
url = "https://example.org"
[[device]]
name = "X"
kind = "gpu"
match = ["X1"]
fp32 = { value = 1e12, source = "s" }
"""


def test_the_file_holds_the_devices_it_should():
    """The lecture's machines are there, with the figures of the table."""
    known = datasheets.load()
    for name in ("Core i7-6700K", "2 x Xeon E5-2686 v4 (P3.16xlarge)", "TITAN X (Pascal)"):
        device = known.named(name)
        assert {"cores", "fp32", "memory", "bandwidth"} <= set(device.figures)
    for device in known.device:
        assert device.figures
        assert 1 < device.fp32.value / device.bandwidth.value < 200


# As NVIDIA's driver names them.
GPUS = (
    "NVIDIA GeForce GTX TITAN X", "NVIDIA TITAN X (Pascal)", "Tesla P100-PCIE-16GB", "Tesla P100-SXM2-16GB",
    "Tesla V100-SXM2-16GB", "Tesla V100-SXM2-32GB", "Tesla V100-PCIE-16GB", "Tesla V100-PCIE-32GB", "Tesla T4",
    "NVIDIA A10", "NVIDIA A100-PCIE-40GB", "NVIDIA A100-SXM4-40GB", "NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB",
    "NVIDIA L4", "NVIDIA L40S", "NVIDIA H100 PCIe", "NVIDIA H100 80GB HBM3", "NVIDIA H200", "NVIDIA B200",
    "NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 5090",
)  # fmt: skip


def test_every_gpu_that_a_report_is_to_know_is_there():
    """Each by the driver's name, each an entry of its own, with the figures of the table and the size of its L2."""
    known = datasheets.load()
    found = [known.find(name, "gpu") for name in GPUS]
    for name, device in zip(GPUS, found, strict=True):
        assert device is not None, name
        assert {"cores", "fp32", "memory", "bandwidth", "cache"} <= set(device.figures), name
    assert {device.name for device in found} == {device.name for device in known.device if device.kind == "gpu"}


def test_every_figure_has_a_source_with_a_title():
    """No figure stands without a source, and no source without a use; only what was computed has no page."""
    known = datasheets.load()
    assert {name for name, source in known.sources.items() if not source.url} == {"arithmetic"}
    used = {figure.source for device in known.device for figure in device.figures.values()}
    assert used == set(known.sources)
    assert all(source.title for source in known.sources.values())


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz", "cpu", "Core i7-6700K"),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "cpu", "Xeon E5-2686 v4"),
        ("NVIDIA TITAN X (Pascal)", "gpu", "TITAN X (Pascal)"),
        ("NVIDIA GeForce GTX TITAN X", "gpu", "GeForce GTX TITAN X"),
        ("NVIDIA H100 80GB HBM3", "gpu", "H100 SXM"),
        ("NVIDIA H100 PCIe", "gpu", "H100 PCIe"),
        ("NVIDIA H200", "gpu", "H200 SXM"),
        ("NVIDIA A100-SXM4-80GB", "gpu", "A100 SXM4 80 GB"),
        ("NVIDIA A100-PCIE-40GB", "gpu", "A100 PCIe 40 GB"),
        ("Tesla T4", "gpu", "T4"),
        ("NVIDIA L4", "gpu", "L4"),
        ("NVIDIA L40S", "gpu", "L40S"),
        ("NVIDIA A10G", "gpu", None),
        ("NVIDIA H200 NVL", "gpu", None),
        ("NVIDIA GH200 480GB", "gpu", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "gpu", None),
        ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", "gpu", None),
        ("NVIDIA H100 PCIe MIG 1g.10gb", "gpu", None),
        ("NVIDIA GeForce RTX 3090 Ti", "gpu", None),
        ("NVIDIA L4", "cpu", None),
        ("", "cpu", None),
    ],
)
def test_names_of_drivers_find_their_device(name, kind, found):
    """A driver's name finds the one device that it means; a sibling with other figures is not taken for it."""
    device = datasheets.load().find(name, kind)
    assert (device and device.name) == found


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GOOD.replace('source = "s"', 'source = "t"'), "X: fp32: no source is called 't'"),
        (GOOD.replace('"gpu"', '"tpu"'), "X: kind is 'tpu'"),
        (GOOD.replace("1e12", "-1.0"), "X: fp32: -1.0 is no amount"),
        (GOOD.replace("fp32", "fp31"), "fp31"),
        (GOOD.replace("[[device]]", "[[device"), "datasheets.toml"),
    ],
)
def test_a_slip_is_told_in_one_line(wrong, said):
    """What is wrong in the file is said with device and figure, in one line."""
    assert datasheets.parse(GOOD).named("X").fp32.value == 1e12
    with pytest.raises(ValueError) as error:
        datasheets.parse(wrong)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_name_names_the_known_ones():
    """Asking for a device that is not there lists those that are."""
    with pytest.raises(KeyError, match="Core i7-6700K"):
        datasheets.load().named("Y")


def test_no_gpu_is_known_by_the_beginning_of_its_name():
    """What comes after it makes it another one: a slice of it, or a variant with other figures."""
    for name in GPUS:
        assert datasheets.load().find(f"{name} MIG 1g.10gb", "gpu") is None, name
