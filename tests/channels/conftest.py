from __future__ import annotations

import pytest


@pytest.fixture
def no_proxy(monkeypatch):
    """The simulators are on this machine; a proxy that this one is set up for would not find them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
