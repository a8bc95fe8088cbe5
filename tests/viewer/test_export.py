"""What a window shows is written into an OME-Zarr store, and read back pixel for pixel."""

import threading
from pathlib import Path

import numpy as np
import pytest

from platecast.components import Kind, PlateLayout, StepId
from platecast.layers import Shelf
from platecast.storage import FileManager, open_plate
from platecast.viewer._session._export import Export, Exports
from platecast.viewer._session._export_plan import of_run, plan_export
from tests.ome_zarr import check_plate

pytest.importorskip("zarr")

RAW, BLUR, SEGMENT = StepId(0, "raw"), StepId(1, "blur"), StepId(2, "segment")


@pytest.fixture
def sent(store):
    """Two steps and labels over two wells, one plane missing; return the planes by address."""
    from platecast.components import Components, PlaneId
    from platecast.config import Display

    rng = np.random.default_rng(1)
    store.announce(PlateLayout(plate="P1", pixel_size_um=0.5))
    known = {}

    def put(folder, pixels, step, kind=Kind.IMAGE, run="r1", **components):
        plane = PlaneId(components=Components(plate="P1", **components), step=step, kind=kind, run=run)
        store.put(plane, Display(), pixels, None, None)
        known[folder, tuple(components.values())] = pixels

    for step in (RAW, BLUR):
        for well in ("A01", "B02"):
            for channel in ("DAPI", "GFP"):
                for z_index in (3, 4):
                    if (step, well, channel, z_index) == (BLUR, "B02", "GFP", 4):
                        continue
                    dtype = np.uint16 if step is RAW else np.float32
                    pixels = rng.integers(0, 4000, (40, 50)).astype(dtype)
                    put(
                        f"Step_{step.index:02d}_{step.name}",
                        pixels,
                        step,
                        well=well,
                        channel=channel,
                        z_index=z_index,
                    )
    for well in ("A01", "B02"):
        labels = rng.integers(0, 300, (40, 50)).astype(np.uint16)
        put("Step_01_blur/labels/Step_02_segment", labels, SEGMENT, Kind.LABELS, well=well)
    return known


def finish(qtbot, export):
    qtbot.waitUntil(lambda: not export.is_running, timeout=30_000)
    export.stop()
    return export.progress


def test_round_trip(qtbot, store, sent, tmp_path):
    target = tmp_path / "out.zarr"
    progress = finish(qtbot, Exports(store).begin(str(target)))
    assert (progress.state, progress.written, progress.skipped) == ("done", len(sent), {})
    with FileManager() as files:
        addresses = files.list(target, "zarr")
        assert len(addresses) == len(sent), "what is missing stays missing"
        for address in addresses:
            from platecast.components import parse_name

            components = parse_name(Path(address).name)
            folder = str(Path(address).parent.relative_to(target))
            values = tuple(
                value
                for value in (components.well, components.channel, components.z_index)
                if value is not None
            )
            expected = sent[folder, values]
            read = files.load(address, "zarr")
            assert read.dtype == expected.dtype
            np.testing.assert_array_equal(read, expected)
    for step in ("Step_00_raw", "Step_01_blur"):
        assert check_plate(target / step) == {"A/01", "B/02"}
        plate = open_plate(target / step)
        assert plate.layouts[0].pixel_size_um == 0.5


def test_one_step_is_the_store_itself(qtbot, store, sent, tmp_path):
    target = tmp_path / "raw.zarr"
    progress = finish(qtbot, Exports(store).begin(str(target), step="raw"))
    assert progress.written == 8
    assert check_plate(target) == {"A/01", "B/02"}
    assert open_plate(target).channels == ("DAPI", "GFP")


def test_labels_without_their_image_have_a_plate(qtbot, store, sent, tmp_path):
    target = tmp_path / "labels.zarr"
    progress = finish(qtbot, Exports(store).begin(str(target), step=2))
    assert (progress.state, progress.written) == ("done", 2)
    check_plate(target)


def test_planes_that_rest_are_read(qtbot, store, tmp_path):
    from platecast.components import Components, PlaneId
    from platecast.config import Display

    def load(address):
        if address == "disk:gone":
            raise OSError("gone.tif is no more")
        return np.full((8, 8), 7, np.uint16)

    shelf = Shelf(load)
    for well, address in (("A01", "disk:here"), ("A02", "disk:gone")):
        plane = PlaneId(components=Components(well=well))
        store.put(plane, Display(), shelf.plane(address, (8, 8), "uint16"), (0.0, 1.0), None)
    progress = finish(qtbot, Exports(store).begin(str(tmp_path / "out.zarr")))
    assert (progress.state, progress.written) == ("done", 1)
    assert progress.skipped == {"gone.tif is no more": 1}


def test_what_cannot_be_in_a_plate_is_counted(store, sent, tmp_path):
    from platecast.components import Components, PlaneId
    from platecast.config import Display

    store.put(PlaneId(components=Components(site=1)), Display(), np.zeros((8, 8), np.uint8), None, None)
    plan = plan_export(store.layers, tmp_path / "out.zarr", {})
    ((reason, count),) = plan.skipped.items()
    assert (count, plan.planes) == (1, len(sent))
    assert "no well" in reason
    again = PlaneId(components=Components(plate="P1", well="A01"), step=SEGMENT, kind=Kind.LABELS, run="r1")
    store.put(again, Display(), np.zeros((9, 9), np.uint8), None, None)
    plan = plan_export(store.layers, tmp_path / "out.zarr", {})
    assert plan.planes + sum(plan.skipped.values()) == len(sent) + 2


def test_few_planes_are_read_at_once(store, file_plane, recording_canvas, tmp_path):
    for z_index in range(40):
        file_plane(recording_canvas, well="A01", z_index=z_index)
    plan = plan_export(store.layers, tmp_path / "out.zarr", {})
    assert [len(batch) for batch in plan.batches] == [16, 16, 8]


def test_plates_and_runs(store, file_plane, recording_canvas, tmp_path):
    for run, plate in (("a", "P"), ("b", "P"), ("b", "Q/1")):
        file_plane(recording_canvas, run=run, plate=plate, well="A01", step=BLUR)
    plan = plan_export(of_run(store.layers, None), tmp_path / "out.zarr", {})
    folders = {str(Path(planned.path).parent.relative_to(tmp_path)) for (planned,) in plan.batches}
    assert folders == {"out.zarr/Step_01_blur/plate-P", "out.zarr/Step_01_blur/plate-Q%2F1"}
    assert len(of_run(store.layers, "a")) == 1


@pytest.mark.parametrize(
    ("args", "error", "words"),
    [
        ({"path": "out.tif"}, ValueError, "must end in .zarr"),
        ({"path": "there.zarr"}, FileExistsError, "is there already"),
        ({"path": "out.zarr", "run": "r9"}, LookupError, "there are r1"),
        ({"path": "out.zarr", "step": "sharpen"}, LookupError, "steps 0 raw, 1 blur, 2 segment"),
    ],
)
def test_what_cannot_be_exported(store, sent, tmp_path, args, error, words):
    (tmp_path / "there.zarr").mkdir()
    exports = Exports(store)
    with pytest.raises(error, match=words):
        exports.begin(str(tmp_path / args.pop("path")), **args)
    assert exports.latest is None


def test_nothing_to_write(store, tmp_path):
    with pytest.raises(ValueError, match="nothing to write"):
        Exports(store).begin(str(tmp_path / "out.zarr"))


def test_cancel(qtbot, store, sent, tmp_path, monkeypatch):
    """The first batch is written whole, and nothing after it."""
    begun, may_go_on = threading.Event(), threading.Event()
    write = Export._write

    def slowly(self, files, batch):
        write(self, files, batch)
        begun.set()
        assert may_go_on.wait(20)

    monkeypatch.setattr(Export, "_write", slowly)
    exports = Exports(store)
    export = exports.begin(str(tmp_path / "out.zarr"))
    qtbot.waitUntil(begun.is_set)
    with pytest.raises(ValueError, match=f"an export is running: 2 of {len(sent)} planes"):
        exports.begin(str(tmp_path / "other.zarr"))
    export.cancel()
    may_go_on.set()
    progress = finish(qtbot, export)
    assert (progress.state, progress.written) == ("cancelled", 2)
    check_plate(tmp_path / "out.zarr" / "Step_00_raw")


def test_a_failure_is_told(qtbot, store, sent, tmp_path, monkeypatch):
    def full(self, files, batch):
        raise OSError("no space left on device")

    monkeypatch.setattr(Export, "_write", full)
    progress = finish(qtbot, Exports(store).begin(str(tmp_path / "out.zarr")))
    assert (progress.state, progress.failure) == ("failed", "no space left on device")


def test_by_command_and_with_a_window(screen, qtbot, inbox, tmp_path):
    """The window goes on while it is written, and ends it when it is closed."""
    from platecast.viewer._window import open_window

    window = open_window("a title", 5555, inbox, warm_up=False)
    for well in ("A01", "A02"):
        inbox.plane(5, well=well, channel="DAPI", shape=(32, 32))
    answers = inbox.command("export", path=str(tmp_path / "out.zarr"))
    window.start()
    qtbot.waitUntil(lambda: bool(answers), timeout=20_000)
    assert answers[0][0]["planes"] == 2
    exports = window.session.exports
    finish(qtbot, exports.latest)
    told = inbox.command("export")
    window.wake()
    qtbot.waitUntil(lambda: bool(told))
    assert (told[0][0]["state"], told[0][0]["written"]) == ("done", 2)
    window.close()
    qtbot.waitUntil(lambda: window.session._is_stopped)
    check_plate(tmp_path / "out.zarr")
