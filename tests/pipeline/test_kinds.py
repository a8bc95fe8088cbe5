"""What steps may take and return: stacks, several inputs, several outputs, tables and points."""

import csv

import numpy as np
import pytest
import tifffile

from platecast.config import NapariStreamingConfig, PipelineConfig, StepConfig
from platecast.pipeline import Pipeline, Step, run
from platecast.storage import ZarrBackend
from platecast.stream._links import links
from tests.ome_zarr import check_plate
from tests.receiving import viewer_on


@pytest.fixture
def stacks(tmp_path):
    """Write two wells, two channels, three slices; the value is channel, slice and well in decimal digits."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    for well, number in (("A01", 0), ("B02", 1)):
        for channel in (1, 2):
            for z in (9, 10, 11):
                image = np.full((6, 8), channel * 1000 + z * 10 + number, "uint16")
                path = folder / f"well-{well}_site-1_channel-{channel}_z-{z}.tif"
                tifffile.imwrite(path, image, photometric="minisblack")
    return folder


def planes(folder):
    """Return the value of the first pixel by the name of each plane."""
    return {
        path.name.removeprefix("plate-stacks_"): int(tifffile.imread(path)[0, 0])
        for path in folder.glob("*.tif")
    }


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_projection_has_no_such_component(stacks, tmp_path, steps):
    report = run(Pipeline([Step(steps.project, over="z_index"), steps.add]), stacks, tmp_path / "out")
    assert report.ok, report.failures
    expected = {
        f"well-{well}_site-1_channel-{channel}.tif": channel * 1000 + 110 + number
        for well, number in (("A01", 0), ("B02", 1))
        for channel in (1, 2)
    }
    assert planes(tmp_path / "out" / "Step_01_project") == expected
    added = planes(tmp_path / "out" / "Step_02_add")
    assert added == {name: value + 1 for name, value in expected.items()}


def test_stack_stays_a_stack_with_ascending_axes(stacks, tmp_path, steps):
    pipeline = Pipeline([Step(steps.spread, over=("channel", "z_index"))])
    report = run(pipeline, stacks, tmp_path / "out")
    assert report.ok, report.failures
    found = planes(tmp_path / "out" / "Step_01_spread")
    assert len(found) == 12
    # The first axis is the channel: the smallest of each slice is that of channel 1.
    assert found["well-A01_site-1_channel-1_z-9.tif"] == 0
    assert found["well-A01_site-1_channel-2_z-11.tif"] == 1000


def test_projection_has_a_store_of_its_own_shape(stacks, tmp_path, steps):
    out = tmp_path / "out.zarr"
    assert run(Pipeline([steps.add, Step(steps.project, over="z_index")]), stacks, out).ok
    check_plate(out / "Step_01_add")
    check_plate(out / "Step_02_project")
    assert len(ZarrBackend().list(out / "Step_02_project")) == 4


def test_stack_without_the_slice_that_failed_is_not_computed(stacks, tmp_path, steps):
    pipeline = Pipeline([Step(steps.fail_on_value, value=1100), Step(steps.project, over="z_index")])
    report = run(pipeline, stacks, tmp_path / "out")
    assert len(report.failures) == 1
    assert len(planes(tmp_path / "out" / "Step_01_fail_on_value")) == 11
    assert set(planes(tmp_path / "out" / "Step_02_project")) == {
        "well-A01_site-1_channel-2.tif",
        "well-B02_site-1_channel-1.tif",
        "well-B02_site-1_channel-2.tif",
    }


def test_labels_of_one_channel_are_measured_in_the_other(plate, tmp_path, steps):
    pipeline = Pipeline(
        [
            steps.add,
            Step(steps.halves, only={"channel": 1}),
            Step(steps.measure, inputs={"image": "raw", "labels": "halves"}),
        ]
    )
    report = run(pipeline, plate, tmp_path / "out")
    assert report.ok, report.failures
    (table,) = report.tables
    assert table == tmp_path / "out" / "Step_03_measure.csv"
    assert [(row["well"], row["site"], row["channel"], row["label"], row["mean"]) for row in rows(table)] == [
        (well, str(site), str(channel), "0", f"{value}.0")
        for value, (well, site, channel) in enumerate(
            (well, site, channel) for well in ("A01", "B02") for site in (1, 2) for channel in (1, 2)
        )
    ]
    assert [path.name for path in sorted((tmp_path / "out" / "Step_03_measure").iterdir())] == [
        "A01.csv",
        "B02.csv",
    ]
    assert report.planes_written == 8 + 4


def test_several_outputs_have_names_of_their_own(plate, tmp_path, steps):
    pipeline = Pipeline(
        [
            Step(steps.parts, outputs={"mask": "labels", "areas": "table"}),
            Step(steps.double, name="after_mask"),
            Step(steps.measure, inputs=("parts.mask", "raw")),
        ]
    )
    report = run(pipeline, plate, tmp_path / "out")
    assert report.ok, report.failures
    assert len(planes(tmp_path / "out" / "Step_01_parts_mask")) == 8
    assert len(planes(tmp_path / "out" / "Step_02_after_mask")) == 8
    areas = rows(tmp_path / "out" / "Step_01_parts_areas.csv")
    assert [row["area"] for row in areas] == ["0", "0", "0", "48", "48", "48", "48", "48"]
    assert areas[0]["note"] == 'a "b", c'


def test_points_are_columns(plate, tmp_path, steps):
    report = run(Pipeline([Step(steps.corners, kind="points")]), plate, tmp_path / "out")
    assert report.ok, report.failures
    found = rows(tmp_path / "out" / "Step_01_corners.csv")
    assert [(row["y"], row["x"]) for row in found[:4]] == [
        ("0.0", "0.5"),
        ("1.0", "0.0"),
        ("0.0", "0.5"),
        ("1.0", "1.0"),
    ]


def test_step_that_is_not_stored_is_still_used(plate, tmp_path, steps):
    pipeline = Pipeline([Step(steps.add, amount=10, config=StepConfig(stored=False)), steps.double])
    report = run(pipeline, plate, tmp_path / "out")
    assert report.planes_written == 8
    assert not (tmp_path / "out" / "Step_01_add").exists()
    assert set(planes(tmp_path / "out" / "Step_02_double").values()) == {20, 22, 24, 26, 28, 30, 32, 34}


def test_each_step_in_its_backend(plate, tmp_path, steps):
    in_zarr, on_disk = StepConfig(backend="zarr"), StepConfig(backend="disk")
    pipeline = Pipeline([Step(steps.add, config=in_zarr), Step(steps.double, config=on_disk)])
    assert run(pipeline, plate, tmp_path / "out").ok
    check_plate(tmp_path / "out" / "Step_01_add.zarr")
    assert len(planes(tmp_path / "out" / "Step_02_double")) == 8
    assert run(pipeline, plate, tmp_path / "out.zarr").ok
    check_plate(tmp_path / "out.zarr" / "Step_01_add")
    assert planes(tmp_path / "out.files" / "Step_02_double") == planes(tmp_path / "out" / "Step_02_double")


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_stack_is_made_by_the_library_of_its_planes(stacks, tmp_path, steps, library):
    pytest.importorskip(library)
    first, second = getattr(steps, f"to_{library}"), getattr(steps, f"{library}_mean")
    report = run(Pipeline([first, Step(second, over="z_index")]), stacks, tmp_path / "out")
    assert report.ok, report.failures
    assert planes(tmp_path / "out" / f"Step_02_{library}_mean")["well-B02_site-1_channel-2.tif"] == 2101


class Remote:
    """An array on a device, which counts how often it comes to the host."""

    copies = 0

    def __init__(self, values):
        self._values = values
        self.shape, self.dtype = values.shape, values.dtype
        self.min, self.max = values.min, values.max

    def __array__(self, dtype=None, copy=None):
        Remote.copies += 1
        return self._values


FATES = {
    "used by the next step alone": ({"stored": False}, False, 0),
    "written": ({}, False, 8),
    "shown": ({"stored": False}, True, 8),
    "written and shown": ({}, True, 8),
}


@pytest.mark.parametrize(("choices", "shown", "copies"), FATES.values(), ids=FATES)
def test_plane_leaves_its_device_once_and_only_where_somebody_wants_it(
    plate, tmp_path, free_port, monkeypatch, choices, shown, copies
):
    monkeypatch.setattr(Remote, "copies", 0)
    streaming = NapariStreamingConfig(enabled=shown, napari_port=free_port)
    taken = []
    pipeline = Pipeline(
        [
            Step(Remote, name="there", config=StepConfig(napari_streaming=streaming, **choices)),
            Step(lambda remote: taken.append(remote.copies) or remote._values, name="back"),
        ],
        PipelineConfig(stream_input=False),
    )
    with viewer_on(free_port) as viewer:
        report = run(pipeline, plate, tmp_path / "out")
        links.close_all()
    assert report.ok, report.failures
    assert (Remote.copies, len(taken)) == (copies, 8)
    assert len(viewer.planes) == (8 if shown else 0)
    assert len(planes(tmp_path / "out" / "Step_02_back")) == 8


def test_what_nobody_wants_to_see_need_be_no_plane(plate, tmp_path):
    steps = [
        Step(np.fft.rfft2, config=StepConfig(stored=False)),
        Step(np.fft.irfft2, name="back", s=(6, 8)),
    ]
    report = run(Pipeline(steps), plate, tmp_path / "out")
    assert report.ok, report.failures
    assert report.planes_written == 8


WRONG = {
    "fewer outputs": (
        lambda image: (image,),
        {"outputs": ["a", "b"]},
        "PipelineError: the function returned a tuple of 1, not 2 results: a, b",
    ),
    "other outputs": (
        lambda image: {"a": image},
        {"outputs": ["b"]},
        "PipelineError: the function returned a, not b",
    ),
    "columns of different lengths": (
        lambda image: {"a": [1, 2], "b": [1]},
        {},
        "InvalidRecordsError: columns differ in length: 'a' has 2 rows, 'b' has 1",
    ),
    "a component's name": (
        lambda image: {"well": ["A01"]},
        {},
        "InvalidRecordsError: a table's column cannot be called well:"
        " that is added from the plane's components",
    ),
    "points that are no points": (
        lambda image: image,
        {"kind": "points"},
        "InvalidRecordsError: points must have the shape (N, 2) or (N, 3), not (6, 8)",
    ),
    "points that are nowhere": (
        lambda image: np.array([[np.nan, 1.0]]),
        {"kind": "points"},
        "InvalidRecordsError: the column 'y' of points holds values that are no numbers",
    ),
}


@pytest.mark.parametrize(("function", "options", "reason"), WRONG.values(), ids=WRONG)
def test_result_that_is_not_what_the_step_says(plate, tmp_path, function, options, reason):
    report = run(Pipeline([Step(function, name="wrong", **options)]), plate, tmp_path / "out")
    assert {failure.error for failure in report.failures} == {reason}
    assert len(report.failures) == 8


def test_input_without_a_counterpart_fails_its_plane(plate, tmp_path, steps):
    pipeline = Pipeline(
        [
            Step(steps.halves, only={"site": 1}),
            Step(steps.measure, inputs={"image": "raw", "labels": "halves"}),
        ]
    )
    report = run(pipeline, plate, tmp_path / "out")
    assert len(report.failures) == 4
    assert all("has no counterpart of Components(plate='P1'" in failure.error for failure in report.failures)


def test_stack_with_a_hole_is_said_before_the_run(stacks, tmp_path, steps):
    (stacks / "well-B02_site-1_channel-2_z-10.tif").unlink()
    pipeline = Pipeline([Step(steps.spread, over=("channel", "z_index"))])
    with pytest.raises(
        ValueError, match="step 'spread', well B02: 1 of 6 planes of a stack are missing, such as channel 2"
    ):
        run(pipeline, stacks, tmp_path / "out")
    # Along one axis, what is there is a stack.
    assert run(Pipeline([Step(steps.project, over="z_index")]), stacks, tmp_path / "out").ok
