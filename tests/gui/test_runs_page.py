"""The tab *Runs* with runs that are made up; those of real processes are in `tests/system`."""

import pytest
from qtpy.QtCore import QObject, Qt
from qtpy.QtCore import Signal as QtSignal

from platecast.gui._parts._background import Background
from platecast.gui._parts._marks import Mark
from platecast.gui._runs import _runs_page as page_module
from platecast.gui._runs._run_table import COLUMNS, mark_of_run
from platecast.gui._runs._run_view import ENDED, RunFailure, RunView
from platecast.gui._runs._runs_page import RunsPage
from platecast.pipeline import RunStatus

WELLS = ("A01", "A02", "A03", "B01")
TRACE = 'Traceback (most recent call last):\n  File "assay.py", line 9\nValueError: dim'


def run(name="r1", state="running", wells=None, failures=(), **facts):
    given = {
        "pid": 7, "start_time": 1.0, "state": state, "plate": "/plates/P1", "output": "/results/P1",
        "steps": ("flatten", "find_nuclei"), "executor": "serial", "workers": 1, "wells": WELLS,
        "wells_done": len(wells or {}), "wells_total": 4, "planes_written": 30, "planes_total": 48,
        "planes_done": 24, "seconds": 10.0, "failures": len(failures),
    }  # fmt: skip
    return RunView(RunStatus(run=name, **{**given, **facts}), state, wells or {}, frozenset(), failures)


FAILED = run(
    wells={"A01": False, "A02": True},
    failures=(RunFailure("A02", "A02: dim", TRACE), RunFailure("A03", "A03: worker lost")),
)


class Runs(QObject):
    """Where runs would be read from files."""

    changed = QtSignal(object)
    failed = QtSignal(str)
    forgotten = 0

    def forget_ended(self):
        self.forgotten += 1


@pytest.fixture
def runs(qapp):
    return Runs()


@pytest.fixture
def page(qtbot, runs):
    background = Background(1)
    page = RunsPage(background, runs)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    yield page
    background.close()


def texts(page):
    return [page.failures.item(row).text() for row in range(page.failures.count())]


def test_no_run(page):
    assert page.empty.isVisible()
    assert not any(each.isEnabled() for each in (page.stop_action, page.output_action, page.forget_action))


def test_run_is_told_in_a_row(page, runs):
    runs.changed.emit({"r1": FAILED})
    row = {column.title: page.model.index(0, place).data() for place, column in enumerate(COLUMNS)}
    assert (row["State"], row["Plate"], row["Steps"]) == ("running", "P1", "flatten, find_nuclei")
    assert (row["Wells"], row["Failures"], row["Results"], row["Rate"]) == ("2 of 4", "2", "30", "3.0/s")
    assert page.legend.text().startswith("1 done · 1 with failures · 2 waiting")


def test_wells_are_marked_by_what_became_of_them(page, runs):
    runs.changed.emit({"r1": FAILED})
    marks = {name: (mark.tip, mark.sign) for name, mark in page.grid._wells.values()}
    assert marks == {
        "A01": ("done", ""),
        "A02": ("done, with failures", "cross"),
        "A03": ("waiting", "ring"),
        "B01": ("waiting", "ring"),
    }


def test_failure_is_shown_with_its_traceback(qtbot, page, runs):
    runs.changed.emit({"r1": FAILED})
    assert texts(page) == ["A02: dim", "A03: worker lost"]
    assert page.traceback.toPlainText() == TRACE
    qtbot.keyClick(page.failures, Qt.Key.Key_Down)
    assert "the worker process was lost" in page.traceback.toPlainText()


def test_failures_of_the_chosen_wells_only(page, runs):
    runs.changed.emit({"r1": FAILED})
    page.grid.choose(["A03"])
    assert texts(page) == ["A03: worker lost"]
    page.grid.choose(["A01"])
    assert (texts(page), page.traceback.toPlainText()) == ([], "Nothing has failed.")


def test_choice_stays_while_runs_come_and_change(page, runs):
    runs.changed.emit({"r1": run("r1")})
    runs.changed.emit({"r1": run("r1"), "r2": run("r2")})
    assert page.chosen.status.run == "r1"
    runs.changed.emit({"r1": run("r1", wells={"A01": False}), "r2": run("r2")})
    assert page.chosen.wells == {"A01": False}


def test_actions_follow_the_state(page, runs):
    runs.changed.emit({"r1": run(state="finished")})
    assert not page.stop_action.isEnabled()
    page.forget_action.trigger()
    assert runs.forgotten == 1


def test_run_is_stopped_and_why_not_is_said(qtbot, page, runs, monkeypatch):
    asked = []

    def stop(name):
        asked.append(name)
        raise OSError("no room")

    monkeypatch.setattr(page_module, "stop_run", stop)
    runs.changed.emit({"r1": run()})
    page.stop_action.trigger()
    qtbot.waitUntil(lambda: page.notice.text == "The run was not stopped: no room")
    assert asked == ["r1"]


def test_runs_that_cannot_be_followed_are_said(page, runs):
    runs.failed.emit("the folder is open to others")
    assert page.notice.text == "Runs cannot be followed: the folder is open to others"


@pytest.mark.parametrize(
    ("view", "mark"),
    [
        (run(), Mark.GOOD),
        (FAILED, Mark.WAIT),
        (run(state="stopping"), Mark.WAIT),
        (run(state="finished"), Mark.GOOD),
        (run(state="finished", failures=(RunFailure("A01", "dim"),)), Mark.BAD),
        (run(state=ENDED), Mark.BAD),
    ],
)
def test_state_has_a_mark(view, mark):
    assert mark_of_run(view) is mark
