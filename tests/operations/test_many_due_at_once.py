"""A hundred windows that close at the same moment: what is to be sent does not wait until all callouts have moved on."""

from __future__ import annotations

import pytest

from coordination import sender

pytestmark = pytest.mark.django_db


def test_messages_do_not_wait_until_every_callout_has_moved_on(monkeypatch):
    """Fifty callouts at 0.4 s each kept every message back for twenty seconds."""
    done: list[object] = []
    stopwatch = iter(range(1000))
    monkeypatch.setattr(sender.time, "monotonic", lambda: next(stopwatch) * 0.2)
    monkeypatch.setattr(sender.callouts, "due", lambda at: list(range(50)))
    monkeypatch.setattr(sender.callouts, "advance", lambda callout, *, at: done.append(callout))
    monkeypatch.setattr(sender.deliveries, "claim", lambda **how: done.append("claim") or [])
    loop = sender.Sender()
    monkeypatch.setattr(loop, "_keep_house", lambda: None)
    sender.WAKE.clear()

    loop.turn()

    assert done.index("claim") <= 2
    assert sender.WAKE.is_set(), "and the rest is not put off until the next poll"


def test_one_callout_a_turn_moves_on_however_slow_the_database_is(monkeypatch):
    """Finding what is due took the whole time, and nothing ever moved on."""
    moved: list[int] = []
    stopwatch = iter(range(1000))
    monkeypatch.setattr(sender.time, "monotonic", lambda: next(stopwatch) * 10)
    monkeypatch.setattr(sender.callouts, "due", lambda at: [1, 2])
    monkeypatch.setattr(sender.callouts, "advance", lambda callout, *, at: moved.append(callout))

    assert sender._advance_due(within=sender.ADVANCE_WITHIN)

    assert moved == [1]
