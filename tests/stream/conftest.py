"""Links end with the test that opened them."""

import pytest

from tests.receiving import viewer_on
from tests.sending import end_links


@pytest.fixture(autouse=True)
def _links_end(runtime_dir):
    yield
    end_links()


@pytest.fixture
def viewer(free_port):
    """A viewer that shows at once what it is sent, without a window."""
    with viewer_on(free_port) as viewer:
        yield viewer
