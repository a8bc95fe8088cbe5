"""What was sent to which viewer, a line each."""

import pytest
from qtpy.QtWidgets import QProgressBar, QPushButton

from platecast.config import NapariStreamingConfig
from platecast.gui._images._deliveries import Deliveries, DeliveryCount
from platecast.gui._images._delivery_list import DeliveryList
from platecast.storage import Plate
from platecast.stream import Ledger
from tests.gui.test_plate_filter import IMAGES

CONFIG = NapariStreamingConfig()


@pytest.fixture
def deliveries(qapp):
    deliveries = Deliveries()
    yield deliveries
    deliveries.close()


@pytest.fixture
def lines(qtbot, deliveries):
    lines = DeliveryList()
    qtbot.addWidget(lines)
    deliveries.changed.connect(lambda: lines.show_targets(deliveries.targets))
    return lines


def buttons(lines):
    return {each.text(): each for each in lines.findChildren(QPushButton) if each.isVisible()}


@pytest.mark.parametrize(
    ("count", "text", "settled"),
    [
        (DeliveryCount(1, waiting=1), "1 image: 0 shown, 1 waiting", False),
        (
            DeliveryCount(9, reading=4, ledger=Ledger(sent=5, shown=3, pending=2)),
            "9 images: 3 shown, 6 waiting",
            False,
        ),
        (
            DeliveryCount(6, ledger=Ledger(sent=6, shown=2, superseded=1, failed=1, dropped=2)),
            "6 images: 3 shown, 1 failed, 2 dropped",
            True,
        ),
    ],
)
def test_count_in_words(count, text, settled):
    assert (str(count), count.settled) == (text, settled)


def test_images_wait_for_a_viewer_that_comes_up(lines, deliveries):
    assert not lines.isVisible()
    target = deliveries.expect("Later", CONFIG)
    assert not lines.isVisible(), "nothing was sent to it"
    deliveries.send(target, Plate(""), IMAGES)
    assert lines.texts == ["New viewer · Later — 8 images: 0 shown, 8 waiting. The viewer is being started"]
    assert buttons(lines) == {}


def test_viewer_that_does_not_come_can_be_tried_again_or_given_up(qtbot, lines, deliveries):
    target = deliveries.expect("Later", CONFIG)
    deliveries.send(target, Plate(""), IMAGES)
    deliveries.fail(target, "no room on this machine\nlast words")
    assert lines.texts[0].endswith("8 waiting. no room on this machine")
    with qtbot.waitSignal(lines.retry_asked) as told:
        buttons(lines)["Start again"].click()
    assert told.args == [target]
    lines.discard_asked.connect(deliveries.discard)
    buttons(lines)["Discard"].click()
    assert (lines.texts, lines.isVisible(), deliveries.targets) == ([], False, ())


def test_newest_lines_are_shown_and_bars_tell_how_far(lines, deliveries):
    for number in range(6):
        deliveries.send(deliveries.expect(f"viewer {number}", CONFIG), Plate(""), IMAGES)
    assert [text.split(" — ")[0] for text in lines.texts] == [f"New viewer · viewer {n}" for n in range(2, 6)]
    assert {(bar.value(), bar.maximum()) for bar in lines.findChildren(QProgressBar)} == {(0, 8)}
