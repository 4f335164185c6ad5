"""Two people ask the same panel in the same instant: it is asked once, and the other is told."""

from __future__ import annotations

import pytest

from coordination import guidance, review_panels
from coordination.models import GuidanceRequest, Recommendation
from coordination.review_panels import Kept, NobodyMissing
from coordination.visits import GuidanceKind
from ground.audit import Actor
from tests.factories import ASKER, a_guidance_request, an_enterprise, an_expert
from tests.moments import NOON
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ZHAO, QIAN = Actor(None, "赵敏"), Actor(None, "钱伟")
RUNS = 10


def test_two_at_once_ask_one_panel():
    enterprise = an_enterprise()
    for number in range(1, 5):
        an_expert(f"专家{number}", employer=f"单位{number}", is_senior=True)

    for run in range(RUNS):
        request = a_guidance_request(enterprise, kind=GuidanceKind.PLAN_REVIEW)
        guidance.submit(request, by=ASKER, at=NOON)
        guidance.accept(request, by=ZHAO, at=NOON)

        def asks(actor, pk=request.pk):
            asked = GuidanceRequest.objects.get(pk=pk)
            return lambda: review_panels.ask(asked, review_panels.rules_for(size=3), by=actor, at=NOON)

        found = at_once(asks(ZHAO), asks(QIAN), refused=NobodyMissing)

        assert sum(isinstance(one, Kept) for one in found) == 1, f"run {run}: {found}"
        assert sum(isinstance(one, NobodyMissing) for one in found) == 1, f"run {run}: {found}"
        assert request.callouts.get().invitations.count() == 3
        assert Recommendation.objects.filter(guidance_request=request).count() == 1
