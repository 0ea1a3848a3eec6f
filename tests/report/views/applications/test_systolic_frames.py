"""The lecture's example frame by frame: as in the slides, and drawn only where a record has it whole."""

from hwbench.report.sections import Steps
from hwbench.report.views.applications.systolic import view as systolic_view
from hwbench.report.views.applications.systolic_frames import SUBSCRIPT, steps
from made_up.applications import blocks, record, run_of, simulated
from made_up.page import dataset


def test_the_stepper_has_the_slides_frames():
    """Eight frames, time 0 to 7; y₁₁ first stands in the one of time 4, and is the only result there."""
    section = systolic_view(dataset(run_of(simulated("3x3", "3x3x2"))))
    (steps,) = blocks(section, Steps)
    texts = [" ".join(line for row in frame.rows for cell in row for line in cell.lines) for frame in steps.frames]
    assert [frame.title for frame in steps.frames] == [f"Time {time}" for time in range(8)]
    assert ["y₁₁" in text for text in texts] == [False] * 4 + [True] * 4
    assert "y₁₂" not in texts[4]
    assert "y₂₁" not in texts[4]
    assert all(f"y{row}{column}".translate(SUBSCRIPT) in texts[7] for row in "123" for column in "12")


def test_every_x_waits_until_it_enters():
    """At time 0 all six x wait outside, and at each time none is both outside and in its row's first element."""
    (steps,) = blocks(systolic_view(dataset(run_of(simulated("3x3", "3x3x2")))), Steps)
    waiting = [[cell.lines[0] for row in frame.rows for cell in row if cell.mark == "wait"] for frame in steps.frames]
    assert sorted(waiting[0]) == sorted(f"x{i}{j}".translate(SUBSCRIPT) for i in "123" for j in "12")
    assert [len(names) for names in waiting] == [6, 5, 3, 1, 0, 0, 0, 0]


def test_captions_tell_what_happens():
    """The first frame, an element at work, and the first result, which the slides show at time 4."""
    frames = steps(simulated("3x3", "3x3x2")).frames
    assert frames[0].text == "The weights are in place, all x wait outside."
    assert frames[1].text == "1 of 9 elements multiply and add."
    assert frames[4].text.endswith("y₁₁ leaves the array: the slides show it at time 4.")
    assert frames[7].text.endswith("leaves the array, the last.")


def test_a_record_without_frames_has_no_steps():
    """A larger array, or a file that holds something else."""
    assert steps(simulated("8x8", "16x16x4")) is None
    assert steps(record("systolic.matmul", "weight-stationary", {}, 1.0, facts={"frames": [{}]})) is None
