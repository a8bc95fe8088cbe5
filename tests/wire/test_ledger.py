"""Accounts are added up."""

import msgspec
import pytest

from platecast.wire import Ledger

FULL = Ledger(
    sent=10,
    shown=4,
    superseded=1,
    failed=2,
    dropped=3,
    drop_reasons={"no room": 2, "disk full": 1},
    failure_reasons={"too large": 2},
)
CASES = {
    "nothing": (Ledger(), Ledger(), Ledger()),
    "nothing added": (FULL, Ledger(), FULL),
    "each of its own": (
        FULL,
        Ledger(sent=2, shown=1, pending=1),
        msgspec.structs.replace(FULL, sent=12, shown=5, pending=1),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_sum(name):
    one, other, both = CASES[name]
    assert one + other == other + one == both


@pytest.mark.parametrize(("ledger", "settled"), [(FULL, True), (Ledger(sent=1, pending=1), False)])
def test_settled_means_that_nothing_is_on_the_way(ledger, settled):
    assert ledger.settled is settled
