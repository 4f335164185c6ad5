"""A question that is put into SQL once is answered as if it had been written anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Count, Max, Q, QuerySet

from coordination.models import Invitation
from ground.models import Industry
from ground.repeated import Repeated, RepeatedLookup
from incidents.models import Incident
from tests.factories import a_callout, an_expert, an_incident
from tests.moments import NOON

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def asked_between(since, until) -> QuerySet:
    in_time = Q(asked_at__gte=since, asked_at__lte=until)
    return (
        Invitation.objects.filter(asked_at__lte=until)
        .values("expert_id")
        .annotate(times=Count("pk", filter=in_time), last=Max("asked_at", filter=in_time))
        .values_list("expert__name", "times", "last", "exclusive", "callout__incident__is_drill")
    )


def test_moments_are_filled_in_wherever_they_stand_and_answers_come_out_as_django_reads_them():
    for name, at in (("李工", NOON), ("王工", NOON - 3 * HOUR)):
        a_callout(an_incident(), asks=[an_expert(name)], at=at)
    question = Repeated(asked_between)

    for since, until in ((NOON - HOUR, NOON), (NOON - 4 * HOUR, NOON), (NOON - 4 * HOUR, NOON - HOUR)):
        assert sorted(question.rows(since, until)) == sorted(asked_between(since, until))
    assert sorted(question.rows(NOON - HOUR, NOON)) == [
        ("李工", 1, NOON, False, False),
        ("王工", 0, None, False, False),
    ]


def test_texts_are_filled_in_and_never_read_as_sql():
    question = Repeated(
        lambda code, name: Industry.objects.filter(Q(pk=code) | Q(name=name)).values_list("pk")
    )

    assert question.rows("WH", "煤矿") == [("MK",), ("WH",)]
    assert question.rows("YJ", "煤矿") == [("MK",), ("YJ",)]
    assert question.rows("' OR 1=1 --", "%s") == []


def test_the_rows_are_read_every_time_and_the_query_is_written_once():
    written = []

    def numbers() -> QuerySet:
        written.append(1)
        return Incident.objects.order_by().values_list("number")

    question = Repeated(numbers)
    assert question.rows() == []
    incident = an_incident()

    assert question.rows() == [(incident.number,)]
    assert len(written) == 1


def test_a_row_looked_up_by_its_code_is_the_row_that_django_gives():
    by_code = RepeatedLookup(Industry)
    found = by_code.find("WH")

    assert found == Industry.objects.get(pk="WH")
    assert (found.name, found.position, found._state.adding) == ("危险化学品", 4, False)
    assert by_code.find("QQ") is None
