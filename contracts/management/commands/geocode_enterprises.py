"""Find the places of enterprises that stand at the seat of their county, by their addresses."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contracts import enterprises
from contracts.models import Enterprise
from ground import clock, geocoding
from ground.audit import SYSTEM
from ground.mistakes import Mistake
from ground.models import Precision


class Command(BaseCommand):
    help = "Ask the geocoder of MUSTER_GEOCODER for enterprises that have an address but stand at a county's seat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=1000, help="at most so many are asked for (1000)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, limit: int, as_json: bool, **options: Any) -> None:
        provider = geocoding.installed()
        if provider is None:
            raise CommandError(
                "没有设置地址解析服务。请设置 MUSTER_GEOCODER，例如 amap 密钥。 "
                "No geocoder is set: set MUSTER_GEOCODER, such as amap KEY."
            )
        waiting = Enterprise.objects.exclude(address="").exclude(
            precision__in=[Precision.EXACT, Precision.ADDRESS]
        )
        told: dict[str, Any] = {"asked": 0, "placed": 0, "not_found": [], "stopped": ""}
        for enterprise in waiting.order_by("pk")[: max(0, limit)]:
            at = clock.now()
            try:
                located = geocoding.locate(_whole(enterprise), provider=provider, at=at)
            except geocoding.QuotaSpent as spent:
                told["stopped"] = f"{spent.zh} {spent.en}"
                break
            except Mistake as mistake:
                told["not_found"].append(f"{enterprise.name}：{mistake.zh}")
                continue
            told["asked"] += 1
            if located and enterprises.place(enterprise, located, by=SYSTEM, at=at):
                told["placed"] += 1
            else:
                told["not_found"].append(enterprise.name)
            if not as_json and told["asked"] % 20 == 0:
                self.stdout.write(f"{told['asked']} …")
        self._tell(told, as_json=as_json)

    def _tell(self, told: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write(
                f"查询 {told['asked']}，定位 {told['placed']}，未找到 {len(told['not_found'])}。"
                f" Asked {told['asked']}, placed {told['placed']}, not found {len(told['not_found'])}."
            )
            for name in told["not_found"]:
                self.stdout.write(f"  {name}")
        if told["stopped"]:
            raise CommandError(told["stopped"], returncode=1)


def _whole(enterprise: Enterprise) -> str:
    """Return the address with its region before it, unless it begins with that."""
    region = enterprise.region
    if region is None or region.name in enterprise.address:
        return enterprise.address
    city = region.parent.name if region.parent and region.level == "county" else ""
    return f"{city}{region.name}{enterprise.address}"
