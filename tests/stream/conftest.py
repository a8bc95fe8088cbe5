"""Links end with the test that opened them."""

import pytest

from platecast.stream._links import links
from tests.receiving import viewer_on


@pytest.fixture(autouse=True)
def _links_end(runtime_dir):
    yield
    with links.lock:
        opened = list(links._by_port.values())
        links._by_port.clear()
    for link in opened:
        link.close()


@pytest.fixture
def viewer(free_port):
    """A viewer that shows at once what it is sent, without a window."""
    with viewer_on(free_port) as viewer:
        yield viewer
