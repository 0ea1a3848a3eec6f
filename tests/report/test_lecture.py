"""The deck: each slide with a claim has a row that somebody can run, or says in a line what cannot be had."""

from hwbench import catalog
from hwbench.report import lecture


def test_every_claim_has_an_answer():
    """Benches that exist and a chart, or what cannot be had; and the kind of figure is a known one."""
    known = catalog.benches()
    claims = [slide for part in lecture.parts() for slide in part.claims]
    assert len(claims) > 30
    for slide in claims:
        assert slide.of in lecture.KINDS
        assert bool(slide.benches) != (slide.of == "none"), slide.title
        assert slide.chart if slide.benches else slide.cannot, slide.title
        assert {*slide.benches} <= {*known}, slide.title


def test_slides_stand_in_the_order_of_the_deck():
    """From the product of matrices to the summary of hardware; no title stands twice."""
    slides = [slide for part in lecture.parts() for slide in part.slides]
    titles = [slide.title for slide in slides]
    assert (titles[0], titles[-1]) == ("Gradients for neural networks", "Hardware summary")
    assert titles.index("Xavier initialization") < titles.index("Intel i7-6700K") < titles.index("CPU/GPU bandwidth")
    assert len({*titles}) == len(titles)
    assert not [slide.title for slide in slides if slide.benches and not slide.claim]
    assert slides[0].command == "hwbench run stability.gradients"
