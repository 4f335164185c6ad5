"""Two people draw for the same request in the same instant: there is one draw, and the other is told."""

from __future__ import annotations

import pytest

from coordination import draws, guidance
from coordination.models import Draw, GuidanceRequest
from coordination.visits import GuidanceKind
from ground.audit import Actor
from tests.factories import ASKER, a_guidance_request, an_enterprise, an_expert
from tests.moments import NOON
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ZHAO, QIAN = Actor(None, "赵敏"), Actor(None, "钱伟")
RUNS = 10


@pytest.mark.parametrize("reason", ["", "专家临时出差"], ids=["the first draw", "a further draw"])
def test_two_at_once_give_one_draw(reason):
    enterprise = an_enterprise()
    for number in range(1, 7):
        an_expert(f"专家{number}")

    for run in range(RUNS):
        request = a_guidance_request(enterprise, kind=GuidanceKind.INSPECTION)
        guidance.submit(request, by=ASKER, at=NOON)
        guidance.accept(request, by=ZHAO, at=NOON)
        if reason:
            draws.draw(request, by=ZHAO, at=NOON)
        before = request.draws.made().count()

        def tries(actor, pk=request.pk, known=before):
            asked = GuidanceRequest.objects.get(pk=pk)
            return lambda: draws.draw(asked, reason=reason, known=known, by=actor, at=NOON)

        found = at_once(tries(ZHAO), tries(QIAN), refused=draws.AlreadyDrawn)

        assert sum(isinstance(one, Draw) for one in found) == 1, f"run {run}: {found}"
        assert sum(isinstance(one, draws.AlreadyDrawn) for one in found) == 1, f"run {run}: {found}"
        assert request.draws.made().count() == before + 1
        assert request.draws.sealed().count() == 1
