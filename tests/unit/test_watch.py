"""What the watch says of what it finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordination.watch import Facts, problems
from tests.moments import NOON, minutes


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        pytest.param({}, [], id="all is well"),
        pytest.param(
            {"overdue_callouts": 1, "callouts_due_since": NOON - minutes(3)},
            ["callouts_overdue"],
            id="a callout has not moved on",
        ),
        pytest.param(
            {"overdue_deliveries": 2, "deliveries_due_since": NOON - minutes(2)},
            ["deliveries_overdue"],
            id="messages have not left",
        ),
        pytest.param({"somebody_to_alarm": False}, ["nobody_to_alarm"], id="no officer can be alarmed"),
        pytest.param({"unheard_alarms": 1}, ["alarms_unheard"], id="an alarm reached nobody"),
        pytest.param({"unfetched": ("sms",)}, ["fetch_failed"], id="replies cannot be fetched"),
        pytest.param({"quarantined": 1}, ["quarantined"], id="a message was put aside"),
        pytest.param({"dead_workers": ("node-1:77",)}, ["worker_dead"], id="a worker is gone"),
        pytest.param({"skew": timedelta(seconds=2)}, [], id="two seconds off is nothing"),
        pytest.param({"skew": timedelta(seconds=3)}, ["clock_skew"], id="the clock is fast"),
        pytest.param({"skew": timedelta(seconds=-3)}, ["clock_skew"], id="the clock is slow"),
        pytest.param({"clocks_put_right": 1}, ["clock_jumped"], id="the database's clock went back"),
        pytest.param(
            {"overdue_deliveries": 1, "overdue_callouts": 1, "dead_workers": ("node-1:77",)},
            ["callouts_overdue", "deliveries_overdue", "worker_dead"],
            id="several things at once, the worst first",
        ),
    ],
)
def test_what_is_wrong_is_named(facts, codes):
    assert [one.code for one in problems(Facts(at=NOON, **facts))] == codes


def test_a_fault_is_said_with_its_figures_and_what_to_do():
    (fault,) = problems(Facts(at=NOON, overdue_deliveries=2, deliveries_due_since=NOON - minutes(7)))
    assert fault.zh.startswith("2 条消息逾期未发出，最早的已逾期 7 分钟。请人工电话通知")
    assert "2 messages are overdue, the oldest by 7 min" in fault.en
