"""A large invented roster, for the tests and benchmarks that ask what happens at ten thousand."""

from __future__ import annotations

import random
from datetime import date, timedelta

from experts.models import Appointment, Expert, Practice, PracticeRank, TaskCategory, TaskOffer
from ground import revisions
from ground.industries import INDUSTRIES
from ground.models import Region


def many_experts(count: int, *, day: date, seed: int = 7) -> list[Expert]:
    """Write `count` appointed experts spread over the counties and the sixteen industries."""
    dice = random.Random(f"{seed}-{count}")
    counties = list(Region.objects.filter(level="county"))
    codes = [industry.code for industry in INDUSTRIES]
    experts = Expert.objects.bulk_create(
        Expert(
            name=f"专家{number}",
            employer="演示单位",
            region=(county := dice.choice(counties)),
            latitude=county.latitude + dice.uniform(-0.1, 0.1),
            longitude=county.longitude + dice.uniform(-0.1, 0.1),
        )
        for number in range(count)
    )
    Practice.objects.bulk_create(
        Practice(expert=expert, industry_id=code, rank=rank)
        for expert in experts
        for code, rank in zip(
            dice.sample(codes, 2), (PracticeRank.PRIMARY, PracticeRank.SECONDARY), strict=True
        )
    )
    TaskOffer.objects.bulk_create(
        TaskOffer(expert=expert, category=TaskCategory.EMERGENCY) for expert in experts
    )
    Appointment.objects.bulk_create(
        Appointment(expert=expert, starts_on=day - timedelta(days=400), ends_on=day + timedelta(days=600))
        for expert in experts
    )
    revisions.bump("roster")
    return experts
