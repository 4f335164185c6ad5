"""The audit trail is written with the deed, chained by the sweep, and shows when it was touched."""

from __future__ import annotations

import pytest

from ground import audit
from ground.models import AuditEntry
from tests.factories import OFFICER, a_callout, an_expert, an_incident
from tests.moments import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def trail():
    for number in range(4):
        audit.record("test.done", an_incident(), by=OFFICER, at=NOON, number=number)
    audit.seal()


def test_the_deed_and_its_entry_stand_or_fall_together():
    callout = a_callout(an_incident(), asks=[an_expert("李工")])

    entry = AuditEntry.objects.get(action="callout.start")
    assert entry.object_id == str(callout.public_id)
    assert entry.actor_label == "陈立"


def test_sealing_goes_on_where_it_stopped_and_again_changes_nothing(trail):
    audit.record("test.done", an_incident(), by=OFFICER, at=NOON)
    assert audit.seal() > 0
    assert audit.seal() == 0
    assert audit.first_broken() is None
    assert AuditEntry.objects.filter(seq=None).count() == 0


@pytest.mark.parametrize(
    "touch",
    [
        pytest.param(lambda entries: entries.filter(seq=3).update(details={"number": 99}), id="changed"),
        pytest.param(lambda entries: entries.filter(seq=3).delete(), id="removed"),
        pytest.param(
            lambda entries: entries.filter(seq=3).update(actor_label="别人"), id="put on somebody else"
        ),
        pytest.param(lambda entries: entries.filter(seq=3).update(seq=300), id="moved to another place"),
    ],
)
def test_an_entry_that_was_touched_is_found(trail, touch):
    assert audit.first_broken() is None

    touch(AuditEntry.objects.all())

    assert audit.first_broken() is not None
