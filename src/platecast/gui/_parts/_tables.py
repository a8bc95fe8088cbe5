"""How every table of the window looks and behaves."""

from collections.abc import Sequence

from qtpy.QtCore import QAbstractItemModel, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView


def make_table(model: QAbstractItemModel, name: str, widths: Sequence[int], stretched: int) -> QTableView:
    """Return a table of which one row at a time is chosen.

    Parameters
    ----------
    model
        What it shows.
    name
        What a screen reader calls it.
    widths
        Of the columns, in characters.
    stretched
        The column that takes what is left of the width.
    """
    table = QTableView()
    table.setModel(model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.setAccessibleName(name)
    rows = table.verticalHeader()
    assert rows is not None  # noqa: S101 -- a table view has one
    rows.hide()
    # Fixed: measuring the text of every row at every change is what makes tables slow.
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setDefaultSectionSize(table.fontMetrics().height() + 10)
    columns = header_of(table)
    columns.setHighlightSections(False)
    columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    for place, width in enumerate(widths):
        columns.resizeSection(place, table.fontMetrics().averageCharWidth() * width)
    columns.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
    return table


def header_of(table: QTableView) -> QHeaderView:
    """Return the titles of a table's columns."""
    header = table.horizontalHeader()
    assert header is not None  # noqa: S101 -- a table view has one
    return header
