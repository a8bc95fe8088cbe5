"""A folder is followed: every image is shown once, when it is finished, however it is written."""

import os
import shutil
import sys
from collections import Counter

import numpy as np
import pytest

from platecast.components import Components
from platecast.config import NapariStreamingConfig
from platecast.errors import StorageError
from platecast.layers import Whereabouts
from platecast.storage import open_plate
from platecast.stream import FolderWatch
from platecast.stream._watching import _folder_files
from platecast.stream._watching._note import WatchNote
from tests.receiving import viewer_on
from tests.waiting import wait_until

tifffile = pytest.importorskip("tifffile", reason="needs the extra 'io'")

SHAPE = (40, 50)


@pytest.fixture(params=[False, True], ids=["events", "polling"])
def polls(request):
    if not request.param:
        pytest.importorskip("watchfiles", reason="needs the extra 'io'")
    return request.param


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "plate"
    path.mkdir()
    return path


@pytest.fixture
def follow(viewer, folder):
    """Follow the folder; watches end with the test."""
    watches = []

    def follow(path=folder, port=viewer.port, **options):
        config = NapariStreamingConfig(napari_port=port)
        options = {"quiet_s": 0.05, "poll": True} | options
        watches.append(FolderWatch(path, config=config, start_viewer=False, **options))
        wait_until(lambda: watches[-1].report().state != "waiting for a viewer", "the watch has begun")
        return watches[-1]

    yield follow
    for watch in watches:
        watch.close()


def image(value=1, shape=SHAPE):
    return np.full(shape, value, "uint16")


def write(path, value=1, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image(value), photometric="minisblack", **options)


def name(well, site=1, channel=1):
    return f"P1_{well}_s{site}_w{channel}.TIF"


def wells(viewer):
    return [arrival.plane.components.well for arrival in viewer.planes]


def shown(viewer, count):
    return wait_until(lambda: len(viewer.planes) >= count and viewer.planes, f"{count} planes are shown")


def idle(watch):
    assert watch.wait_idle(idle_s=0.3, timeout_s=10)


def test_images_are_shown_when_they_come(viewer, folder, follow, polls):
    write(folder / name("A01"), 1)
    watch = follow(poll=polls)
    shown(viewer, 1)
    write(folder / name("A02"), 2)
    write(folder / "TimePoint_1" / name("A03"), 3)
    shown(viewer, 3)
    idle(watch)
    assert sorted(wells(viewer)) == ["A01", "A02", "A03"]
    assert {int(np.asarray(each.array).max()) for each in viewer.planes} == {1, 2, 3}
    report = watch.report()
    assert (report.files, report.growing, report.failures, report.polling) == (3, 0, {}, polls)
    assert report.ledger.shown == 3


def in_parts(path, content, follow_on):
    third = len(content) // 3
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), third):
            file.write(content[start : start + third])
            follow_on()


def by_rename(path, content, follow_on):
    part = path.with_name(path.name + ".tmp")
    in_parts(part, content, follow_on)
    part.rename(path)


def hidden_then_renamed(path, content, follow_on):
    part = path.with_name("." + path.name)
    in_parts(part, content, follow_on)
    part.rename(path)


def grown_to_size_first(path, content, follow_on):
    with path.open("wb", buffering=0) as file:
        file.truncate(len(content))
        follow_on()
        file.write(content)


def from_another_folder(path, content, follow_on):
    outside = path.parent.parent / "elsewhere"
    outside.mkdir(exist_ok=True)
    in_parts(outside / path.name, content, follow_on)
    os.replace(outside / path.name, path)


WRITERS = (in_parts, by_rename, hidden_then_renamed, grown_to_size_first, from_another_folder)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_files_are_waited_for_until_they_are_whole(viewer, folder, follow, polls, tmp_path, writer):
    write(tmp_path / "source.tif", 7)
    content = (tmp_path / "source.tif").read_bytes()
    watch = follow(poll=polls)

    def while_it_is_written():
        if (folder / name("B02")).exists():
            wait_until(lambda: watch.report().growing == 1, "the watch waits for it")
        assert viewer.planes == []

    writer(folder / name("B02"), content, while_it_is_written)
    (arrival,) = shown(viewer, 1)
    assert np.array_equal(np.asarray(arrival.array), image(7))
    idle(watch)
    assert len(viewer.planes) == 1


def test_file_that_stops_in_the_middle_fails_and_is_shown_once_it_is_whole(viewer, folder, follow, tmp_path):
    write(tmp_path / "source.tif", 7)
    content = (tmp_path / "source.tif").read_bytes()
    path = folder / name("C03")
    path.write_bytes(content[: len(content) // 2])
    watch = follow(give_up_s=0.2)
    wait_until(lambda: viewer.failures, "the file is given up")
    assert "it ends after" in viewer.failures[0].reason
    assert viewer.failures[0].plane.components.well == "C03"
    assert list(watch.report().failures) == [path.name]
    path.write_bytes(content)
    shown(viewer, 1)
    idle(watch)
    assert watch.report().failures == {}
    assert len(viewer.failures) == 1


def test_file_that_is_written_again_is_shown_again(viewer, folder, follow, polls):
    watch = follow(poll=polls)
    write(folder / name("A01"), 1)
    shown(viewer, 1)
    write(folder / name("A01"), 9)
    assert int(np.asarray(shown(viewer, 2)[1].array).max()) == 9
    idle(watch)
    assert [arrival.plane for arrival in viewer.planes] == [viewer.planes[0].plane] * 2


def test_removed_file_stays_shown_and_is_shown_again_when_it_comes_back(viewer, folder, follow, polls):
    watch = follow(poll=polls)
    write(folder / name("A01"), 1)
    shown(viewer, 1)
    idle(watch)
    (folder / name("A01")).unlink()
    wait_until(lambda: watch.report().files == 0, "it is noticed")
    assert viewer.failures == []
    write(folder / name("A01"), 1)
    shown(viewer, 2)


def test_what_is_no_image_of_the_plate_is_left_out(viewer, folder, follow):
    watch = follow()
    write(folder / "focus.tif")
    (folder / "notes.txt").write_text("nothing")
    write(folder / name("A01"))
    shown(viewer, 1)
    idle(watch)
    assert watch.report().unknown == ("focus.tif",)
    assert wells(viewer) == ["A01"]


def test_full_folder_is_opened_at_once_without_reading(viewer, folder, follow):
    for column in range(1, 25):
        for row in "AB":
            write(folder / name(f"{row}{column:02d}"), column)
    watch = follow()
    idle(watch)
    assert sorted(wells(viewer)) == sorted(f"{row}{column:02d}" for row in "AB" for column in range(1, 25))
    assert {arrival.array.whereabouts for arrival in viewer.planes} == {Whereabouts.AT_REST}


def test_existing_images_may_be_left_out(viewer, folder, follow):
    write(folder / name("A01"))
    watch = follow(existing=False)
    write(folder / name("A02"))
    shown(viewer, 1)
    idle(watch)
    assert wells(viewer) == ["A02"]


def test_folder_may_come_later_and_go(viewer, tmp_path, follow, polls):
    late = tmp_path / "late"
    watch = follow(late, poll=polls)
    assert watch.report().state == "waiting for the folder"
    write(late / name("A01"))
    shown(viewer, 1)
    shutil.rmtree(late)
    wait_until(lambda: watch.report().state == "waiting for the folder", "it is noticed")
    write(late / name("A02"))
    shown(viewer, 2)
    assert wells(viewer) == ["A01", "A02"]


def test_new_watch_goes_on_where_the_last_one_ended(viewer, folder, follow):
    first = follow()
    write(folder / name("A01"))
    shown(viewer, 1)
    idle(first)
    first.close()
    write(folder / name("A02"))
    second = follow()
    shown(viewer, 2)
    idle(second)
    assert wells(viewer) == ["A01", "A02"]
    assert len({arrival.plane.run for arrival in viewer.planes}) == 1, "they share layers"


def test_next_viewer_is_shown_everything(viewer, folder, follow, free_port):
    watch = follow()
    write(folder / name("A01"))
    shown(viewer, 1)
    idle(watch)
    viewer.stop()
    wait_until(lambda: watch.report().state == "waiting for a viewer", "its end is noticed")
    write(folder / name("A02"))
    with viewer_on(viewer.port) as next_viewer:
        shown(next_viewer, 2)
        idle(watch)
        assert Counter(wells(next_viewer)) == {"A01": 1, "A02": 1}
        watch.close()


def test_note_survives_a_line_that_was_being_written(viewer, folder, follow):
    first = follow()
    for well in ("A01", "A02"):
        write(folder / name(well))
    shown(viewer, 2)
    idle(first)
    first.close()
    note = WatchNote(str(folder), viewer.port).path
    note.write_bytes(note.read_bytes()[:-10])
    second = follow()
    shown(viewer, 3)
    idle(second)
    assert len(viewer.planes) == 3
    assert viewer.planes[2].plane in [arrival.plane for arrival in viewer.planes[:2]]


HARMONY = """<?xml version="1.0"?>
<EvaluationInputData xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5" Version="1">
<Plates><Plate><PlateID>Barcode7</PlateID><PlateRows>8</PlateRows><PlateColumns>12</PlateColumns></Plate></Plates>
<Images>{images}</Images></EvaluationInputData>"""
IMAGE = """<Image Version="1"><id>{n}</id><State>Ok</State><URL>{url}</URL><Row>{row}</Row><Col>{column}</Col>
<FieldID>1</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID><ChannelID>1</ChannelID>
<ChannelName>DAPI</ChannelName><ImageResolutionX Unit="m">5.0E-07</ImageResolutionX></Image>"""


def test_metadata_that_comes_last_is_used(viewer, folder, follow):
    watch = follow()
    for column in (1, 2):
        write(folder / f"r01c{column:02d}f01p01-ch1sk1fk1fl1.tiff")
    write(folder / "odd.tiff", 5)
    shown(viewer, 2)
    idle(watch)
    assert watch.report().unknown == ("odd.tiff",)
    urls = [f"r01c{column:02d}f01p01-ch1sk1fk1fl1.tiff" for column in (1, 2, 3)] + ["odd.tiff"]
    images = "".join(IMAGE.format(n=n, url=url, row=1, column=n) for n, url in enumerate(urls, start=1))
    index = HARMONY.format(images=images)
    (folder / "Index.idx.xml").write_text(index[: len(index) // 2])
    (folder / "Index.idx.xml").write_text(index)
    arrivals = shown(viewer, 3)
    idle(watch)
    assert [arrival.plane.components.well for arrival in arrivals] == ["A01", "A02", "A04"]
    assert len({arrival.plane.components.plate for arrival in arrivals}) == 1, "it keeps its name"
    assert len(viewer.planes) == 3, "nothing is shown twice"
    assert any(layout.pixel_size_um == 0.5 for layout in viewer.layouts)
    assert any({"A01", "A02", "A03", "A04"} == set(layout.well) for layout in viewer.layouts)


def test_image_that_turns_out_to_be_another_is_moved(viewer, folder, follow):
    watch = follow()
    path = "r01c01f01p01-ch1sk1fk1fl1.tiff"
    write(folder / path)
    shown(viewer, 1)
    idle(watch)
    (folder / "Index.idx.xml").write_text(HARMONY.format(images=IMAGE.format(n=1, url=path, row=2, column=3)))
    shown(viewer, 2)
    idle(watch)
    assert wells(viewer) == ["A01", "B03"]
    assert [failure.plane.components.well for failure in viewer.failures] == ["A01"]


class Deaf:
    """Events of a file system whose other users nobody hears."""

    is_broken = False

    def __init__(self, folder, tell):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def take(self):
        return set()


def test_folder_of_which_nobody_says_when_it_changes_is_polled(viewer, folder, follow, monkeypatch, caplog):
    pytest.importorskip("watchfiles", reason="needs the extra 'io'")
    monkeypatch.setattr(_folder_files, "ChangeEvents", Deaf)
    monkeypatch.setattr(_folder_files, "_CHECK_S", 0.3)
    watch = follow(poll=None)
    for column in (1, 2):
        write(folder / name(f"A{column:02d}"))
        shown(viewer, column)
    wait_until(lambda: watch.report().polling, "it is polled")
    assert "nobody says when" in caplog.text


REFUSED = {
    "nothing around it": ("no/such/folder", "neither"),
    "a file": ("file", "is a file: watch follows the folder"),
}


@pytest.mark.parametrize(("path", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_followed(tmp_path, free_port, path, reason):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=reason):
        FolderWatch(tmp_path / path, port=free_port, start_viewer=False)


def test_real_plate_copied_while_it_is_followed(viewer, folder, follow, shared_data, polls):
    """Renames, parts, sub-folders and the metadata last: the same images as when it is opened at the end."""
    source = shared_data / "imagexpress_projection_mix"
    watch = follow(poll=polls)
    files = [path for path in source.rglob("*") if path.is_file()]
    files.sort(key=lambda path: (path.suffix.lower() != ".tif", path))
    for number, path in enumerate(files):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        (by_rename, in_parts)[number % 2](target, path.read_bytes(), lambda: None)
    idle(watch)
    expected = {Components(**each) for each in map(_facts, open_plate(folder).images)}
    planes = Counter(Components(**_facts(arrival.plane)) for arrival in viewer.planes)
    assert planes == Counter(expected)
    assert watch.report().ledger.shown == 96


def _facts(owner):
    names = ("well", "site", "channel", "z_index", "timepoint")
    return {name: getattr(owner.components, name) for name in names}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, names are Unicode")
def test_links_that_lead_back_and_names_of_bytes_are_followed(viewer, folder, follow):
    (folder / "up").symlink_to("..")
    (folder / "self").symlink_to(folder)
    watch = follow()
    write(folder / "A01_s1_w1.tif")
    shutil.copy(folder / "A01_s1_w1.tif", os.fsencode(folder) + b"/Pl\xe4tte_A02_s1_w1.tif")
    wait_until(lambda: len(viewer.planes) == 2, "both are shown")
    plates = {arrival.plane.components.plate for arrival in viewer.planes}
    assert plates == {folder.name, "Pl\xe4tte"}
    wait_until(lambda: watch.report().ledger.pending == 0, "both are settled")
    watch.close()
    again = follow()
    wait_until(lambda: again.report().files == 2 and again.report().growing == 0, "it knows both")
    assert again.report().ledger.sent == 0
