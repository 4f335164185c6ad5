"""A program that repeats its call before the first answer is there pages nobody twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from coordination.models import Callout, Delivery
from ground import tokens
from tests.factories import a_duty_officer, an_expert, an_incident
from tests.moments import NOON
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = 10


def test_four_calls_with_one_key_at_once_start_one_callout(the_clock):
    key, _token = tokens.issue(a_duty_officer(), name="测试", valid_for=timedelta(days=9), at=NOON)
    an_expert("李工")
    an_expert("王工")

    for run in range(1, RUNS + 1):
        body = {
            "incident": str(an_incident().public_id),
            "requirements": [{"kind": "expert", "industry": "WH", "seats": 2}],
        }

        def call(body=body, run=run):
            return Client().post(
                "/api/v1/callouts/",
                body,
                content_type="application/json",
                headers={"Authorization": f"Bearer {key}", "Idempotency-Key": f"run-{run}"},
            )

        said = at_once(*[call] * 4)

        assert [answer.status_code for answer in said] == [201] * 4
        # PostgreSQL keeps an object's names in an order of its own, so not byte by byte.
        assert all(answer.json() == said[0].json() for answer in said)
        assert Callout.objects.count() == run
        assert Delivery.objects.filter(purpose="ask").count() == 2 * run
