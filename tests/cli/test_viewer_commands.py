"""Commands that ask a viewer for something, with a viewer that answers as a window does."""

import contextlib
import json
import os
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest
import tifffile

from platecast.stream import Stream
from platecast.stream._links import links
from platecast.texts import duration_text, memory_text
from tests.plain_sender import PlainSender, item
from tests.receiving import LocalViewer, viewer_on
from tests.waiting import wait_until


class AnsweringViewer(LocalViewer):
    """A viewer whose window gives the answers of the test."""

    answers: ClassVar = {}

    def take_all(self):
        new = []
        while (item := self.receiver.take()) is not None:
            if hasattr(item, "reply"):
                self.commands.append(item)
                item.reply(*self.answers[item.name])
            elif hasattr(item, "ticket"):
                new.append(item)
        return new


@pytest.fixture
def answering(free_port):
    with AnsweringViewer(free_port) as viewer:
        yield viewer


REQUESTS = {
    "goto": (
        ("goto", "b3", "--site", "2", "--channel", "DAPI", "--z", "4", "--time", "0"),
        ({"on_screen": {"well": "B03", "site": 2}}, ()),
        {"well": "b3", "site": 2, "channel": "DAPI", "z_index": 4, "timepoint": 0},
        "well B03, site 2\n",
    ),
    "clear everything": (
        ("clear",),
        ({"cleared": 3, "planes": 70, "freed_mb": 12.4}, ()),
        {},
        "3 layers with 70 planes removed, 12 MB freed\n",
    ),
    "clear a step by its index": (
        ("clear", "--step", "2", "--run", "r1"),
        ({"cleared": 1, "planes": 7, "freed_mb": 0.0}, ()),
        {"step": 2, "run": "r1"},
        "1 layers with 7 planes removed, 0 MB freed\n",
    ),
    "clear earlier runs": (
        ("clear", "--earlier-runs"),
        ({"cleared": 0, "planes": 0, "freed_mb": 0.0}, ()),
        {"earlier_runs": True},
        "0 layers with 0 planes removed, 0 MB freed\n",
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_request_reaches_the_window_and_its_answer_is_said(platecast, answering, name):
    arguments, answer, expected, said = REQUESTS[name]
    answering.answers = {arguments[0]: answer}
    done = platecast(*arguments)
    assert (done.status, done.out, done.errors) == (0, said, "")
    (command,) = answering.commands
    assert (command.name, command.args) == (arguments[0], expected)


def test_screenshot_is_written(platecast, answering, tmp_path):
    answering.answers = {"screenshot": ({"format": "png"}, (b"picture",))}
    done = platecast("screenshot", tmp_path / "window.png", "--canvas-only")
    assert (done.status, done.out) == (0, f"{tmp_path / 'window.png'}\n")
    assert (tmp_path / "window.png").read_bytes() == b"picture"
    assert answering.commands[0].args == {"canvas_only": True}


def test_screenshot_that_cannot_be_written_says_where(platecast, answering, tmp_path):
    answering.answers = {"screenshot": ({"format": "png"}, (b"picture",))}
    done = platecast("screenshot", tmp_path / "no" / "window.png")
    assert done.status == 1
    assert "could not be written: No such file" in done.errors


def test_what_the_window_refuses_is_one_line(platecast, answering):
    answering.answers = {"goto": ({"error": "well='C99' is not there"}, ())}
    done = platecast("goto", "C99")
    assert (done.status, done.errors) == (1, "Error: goto: well='C99' is not there\n")


def test_status_as_text_and_as_json(platecast, answering):
    text = platecast("status").out
    for words in ("test", str(answering.port), "starting", "0 pending", "MB", "senders", "none"):
        assert words in text, text
    printed = json.loads(platecast("status", answering.port, "--json").out)
    assert (printed["state"], printed["ledger"]["sent"], printed["layers"]) == ("starting", 0, [])
    assert answering.endpoint.token not in text + json.dumps(printed)


def test_status_says_why_planes_failed(platecast, free_port):
    with viewer_on(free_port, takes=False) as viewer, contextlib.closing(PlainSender(viewer)) as sender:
        sender.join()
        sender.publish(item(1))
        (arrival,) = wait_until(viewer.take_all, "the plane arrives")
        viewer.receiver.settle(arrival.ticket, "no room on [this] shelf")
        wait_until(lambda: viewer.ledger().failed, "it is settled")
        words = " ".join(platecast("status").out.split())
    assert "1 sent 0 shown 0 superseded 1 failed 0 dropped 0 pending" in words
    assert "failed 1: no room on [this] shelf" in words


@pytest.mark.usefixtures("closed_links")
def test_status_says_what_records_take(platecast, free_port):
    with viewer_on(free_port) as viewer:
        assert "records" not in platecast("status").out
        Stream(port=free_port).send(np.zeros((1000, 2), np.float32), kind="points", well="A01")
        wait_until(lambda: viewer.ledger().shown == 1, "the points are there")
        assert "records 0 MB" in " ".join(platecast("status").out.split())


def test_status_is_followed_until_the_viewer_ends(free_port):
    with viewer_on(free_port) as viewer:
        command = [sys.executable, "-m", "platecast", "status", str(free_port), "--follow", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
            assert json.loads(follower.stdout.readline())["state"] == "starting"
            viewer.receiver.beat()
            while json.loads(follower.stdout.readline())["state"] != "ready":
                pass
            viewer.stop()
            out, _ = follower.communicate(timeout=20)
    assert json.loads(out.splitlines()[-1])["state"] == "gone"
    assert follower.returncode == 0


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "P1"
    folder.mkdir()
    for name, value in {"P1_B02_s1_w1.TIF": 1, "P1_B02_s2_w1.TIF": 2, "holiday.tif": 3}.items():
        tifffile.imwrite(folder / name, np.full((8, 8), value, np.uint16))
    np.save(folder / "plain.npy", np.full((8, 8), 4, np.uint8))
    return folder


SENT = {
    "files whose names are known": (
        ("P1_B02_s1_w1.TIF", "P1_B02_s2_w1.TIF"),
        (),
        0,
        [("B02", 1, 1, 1), ("B02", 2, 1, 2)],
    ),
    "one of an unknown name": (("P1_B02_s1_w1.TIF", "holiday.tif"), (), 1, [("B02", 1, 1, 1)]),
    "one that the options describe": (
        ("plain.npy",),
        ("--well", "c4", "--channel", "GFP"),
        0,
        [("C04", None, "GFP", 4)],
    ),
    "a folder": ((".",), (), 0, [("B02", 1, 1, 1), ("B02", 2, 1, 2)]),
}


@pytest.fixture
def closed_links():
    """Close what the command would leave to the end of its process."""
    yield
    links.close_all()


@pytest.mark.usefixtures("closed_links")
@pytest.mark.parametrize("name", SENT)
def test_files_are_sent_as_what_their_names_say(platecast, free_port, images, name):
    files, options, status, expected = SENT[name]
    with viewer_on(free_port) as viewer:
        done = platecast(
            "send", *(os.path.normpath(images / file) for file in files), "--port", free_port, *options
        )
        assert done.status == status, done
        assert ("its name does not say which image it is" in done.errors) == (status == 1)
        found = [
            (c.well, c.site, c.channel, int(arrival.array[0, 0]))
            for arrival in viewer.planes
            for c in [arrival.plane.components]
        ]
        assert sorted(found, key=str) == expected
        assert f"{len(expected)} of {len(expected)} images are shown" in done.out


def test_nothing_to_send_starts_no_viewer(platecast, images):
    done = platecast("send", images / "holiday.tif")
    assert done.status == 1
    assert "nothing to send" in done.errors
    assert json.loads(platecast("ls", "--json").out) == []


DURATIONS = {0: "0 s", 59.9: "59 s", 61: "1 min 1 s", 7200: "2 h 0 min", 90000: "1 d 1 h", None: ""}


@pytest.mark.parametrize("seconds", DURATIONS)
def test_duration(seconds):
    assert duration_text(seconds) == DURATIONS[seconds]


def test_memory():
    assert [memory_text(value) for value in (None, 0.4, 999, 1500)] == ["", "0 MB", "999 MB", "1.5 GB"]
