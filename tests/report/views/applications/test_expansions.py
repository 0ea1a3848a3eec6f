"""Expansions at 0: a row for each implementation, and the tolerance of its coefficients."""

import msgspec

from hwbench.report.views.applications.expansions import coefficients
from hwbench.report.views.applications.stability import view as stability_view
from made_up.page import dataset
from made_up.stability_records import activation, run_of


def test_an_implementation_has_one_row_of_expansions_however_many_elements():
    """A GPU computes one function in few elements and in many."""
    cupy = msgspec.structs.replace(activation(), variant="cupy", device="gpu:0")
    many = msgspec.structs.replace(cupy, params=cupy.params | {"n": 1 << 24})
    section = stability_view(dataset(run_of([activation(), cupy, many])))
    (table,) = [one for one in section.blocks if getattr(one, "caption", "").startswith("Expansions at 0")]
    assert [row[2] for row in table.rows] == ["numpy", "cupy"]


def test_coefficients_are_judged_each_by_its_own_tolerance():
    """The range of tolerances; outside if one is; a dash where a fact is missing."""
    fine = activation(taylor_tolerance=[1e-7, 1e-6, 2e-6, 5e-6], taylor=[0.5, 0.25, 0.0, -1 / 48])
    assert coefficients(fine, range(4)) == "± 1e-7 … 5e-6: within"
    assert coefficients(activation(taylor=[0.5, 0.26, 0.0, -1 / 48]), (0, 1)) == "± 1e-5: outside"
    assert coefficients(activation(taylor_tolerance=None), (0, 1)) == "–"
