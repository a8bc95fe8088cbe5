"""The table of viewers: what it says, and that a hundred of them do not keep it busy."""

import pytest
from qtpy.QtCore import Qt

from platecast.gui._parts._marks import Mark
from platecast.gui._viewers._viewer_table import COLUMNS, ViewerTable, mark_of
from platecast.manager import ViewerInfo
from platecast.wire import Endpoint, Ledger, ViewerStatus


def endpoint(port, instance=None):
    return Endpoint(
        version=1, port=port, pid=1, start_time=0.0, instance=instance or f"{port}", token="", handover="",
        title=f"viewer {port}", persistent=True,
    )  # fmt: skip


def viewer(port, state="ready", instance=None, **counts):
    sent = sum(counts.values())
    status = ViewerStatus(
        protocol=1, version="1", port=port, pid=1, instance=instance or f"{port}", title="", state=state,
        uptime_s=75.0, memory_mb=1500.0, ledger=Ledger(sent=sent, **counts),
    )  # fmt: skip
    return ViewerInfo(endpoint(port, instance), state, status)


def row_texts(table, row):
    return {column.title: table.index(row, place).data() for place, column in enumerate(COLUMNS)}


def test_row_says_what_a_viewer_is(qapp):
    table = ViewerTable()
    table.apply([viewer(5555, shown=12_000, pending=3, dropped=2)])
    assert row_texts(table, 0) == {
        "State": "ready", "Port": "5555", "Title": "viewer 5555", "Shown": "12,000", "Pending": "3",
        "Dropped": "2", "Failed": "0", "Rate": "", "Memory": "1.5 GB", "Up": "1 min 15 s",
    }  # fmt: skip
    assert "process 1" in table.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_nothing_is_said_of_a_viewer_that_was_not_heard(qapp):
    table = ViewerTable()
    table.apply([ViewerInfo(endpoint(5555), "starting")])
    assert row_texts(table, 0)["Shown"] == row_texts(table, 0)["Memory"] == ""


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        ("ready", Mark.GOOD),
        ("busy", Mark.WAIT),
        ("starting", Mark.WAIT),
        ("not responding", Mark.BAD),
        ("odd", Mark.NONE),
    ],
)
def test_state_has_a_mark(state, mark):
    assert mark_of(state) is mark


def test_rate_is_that_of_the_last_seconds(qapp):
    now = [0.0]
    table = ViewerTable(clock=lambda: now[0])
    rates = []
    for second, shown in enumerate((0, 100, 200, 300, 300, 300, 300, 300, 300)):
        now[0] = float(second)
        table.apply([viewer(5555, shown=shown)])
        rates.append(row_texts(table, 0)["Rate"])
    assert rates[1] == rates[3] == "100/s"
    assert rates[-1] == "0/s"


def test_viewers_come_and_go(qapp):
    table = ViewerTable()
    table.apply([viewer(port) for port in (5555, 5557, 5559)])
    table.apply([viewer(5557, "gone"), viewer(5559, "busy"), viewer(5561, "gone")])
    assert [(row_texts(table, row)["Port"], row_texts(table, row)["State"]) for row in (0, 1)] == [
        ("5555", "ready"),
        ("5559", "busy"),
    ]
    assert table.rowCount() == 2
    table.apply([viewer(5555, "gone"), viewer(5555, instance="next")])
    assert {table.viewer_at(row).endpoint.instance for row in range(2)} == {"5559", "next"}


def test_a_hundred_viewers_that_change_are_one_notice(qapp):
    table = ViewerTable()
    table.apply([viewer(port) for port in range(5000, 5100)])
    notices = []
    table.dataChanged.connect(lambda *area: notices.append(area))
    table.apply([viewer(port, shown=1) for port in range(5000, 5100)])
    assert len(notices) == 1
    assert {row_texts(table, row)["Shown"] for row in range(100)} == {"1"}
