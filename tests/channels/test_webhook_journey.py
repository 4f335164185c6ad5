"""A team that is called out through the system of its own dispatch desk."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from standardwebhooks.webhooks import Webhook

from contracts.models import TeamContact
from coordination import sender
from coordination.models import Inbound, Invitation
from coordination.paging import InviteeKind
from coordination.simulation.server import Reply, Request, in_a_thread
from tests.factories import a_callout, a_team, an_incident, status_of

pytestmark = pytest.mark.django_db
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OF_CALLBACKS = "secret-of-the-callbacks"


@pytest.fixture
def desk():
    """What the dispatch desk is told."""
    told = []

    async def handle(request: Request) -> Reply:
        told.append(json.loads(request.body)["data"])
        return Reply(202)

    with in_a_thread(handle) as address:
        yield address, told


def answered(client, clock, data: dict, *, event_id: str = "msg_1", secret: str = SECRET):
    body = json.dumps({"type": "callout.answered", "data": data})
    at = clock().astimezone(UTC)
    return client.post(
        f"/callbacks/systems/{OF_CALLBACKS}/replies/",
        data=body,
        content_type="application/json",
        headers={
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(event_id, at, body),
        },
    )


def test_a_dispatch_desk_is_told_and_answers_for_its_team(client, desk, settings, the_clock):
    address, told = desk
    settings.MUSTER_MODE = "live"
    settings.MUSTER_CHANNELS = [
        {"kind": "webhook", "code": "systems", "secret": OF_CALLBACKS, "plain_http": True,
         "allow_networks": "127.0.0.0/8", "hosts": {"127.0.0.1": SECRET, "other.example.cn": "whsec_" + "A" * 32}}
    ]  # fmt: skip
    team = a_team("曹妃甸危化队")
    TeamContact.objects.filter(team=team).delete()
    TeamContact.objects.create(team=team, kind="webhook", value=f"{address}/muster")
    callout = a_callout(an_incident(), asks=[team])

    sender.run_once()

    (ask,) = told
    assert ask["recipient"] == "曹妃甸危化队"
    assert "1接受" in ask["text"]

    # Somebody else's secret answers for nobody, and no answer counts twice.
    answer = {"reference": ask["reference"], "answer": "accept"}
    assert answered(client, the_clock, answer, secret="whsec_" + "B" * 32).status_code == 404
    assert status_of(callout, team) == "asked"
    for _ in range(2):
        assert answered(client, the_clock, answer).status_code == 200
    assert status_of(callout, team) == "accepted"
    assert Inbound.objects.filter(kind="reply", result="answered").count() == 1
    assert Invitation.objects.get(callout=callout).answer_source == "api"
    assert callout.requirements.get().kind == InviteeKind.TEAM
