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
from ground.geocoding import Provider
from ground.mistakes import Mistake
from ground.models import Precision

FAILURES_IN_A_ROW = 3
# These hold for every address, so that the next one need not be tried.
HOPELESS = (geocoding.QuotaSpent, geocoding.KeyRefused)


class Command(BaseCommand):
    help = "Ask the geocoder of MUSTER_GEOCODER for enterprises that have an address but stand at a county's seat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--limit", type=int, default=1000, help="at most so many calls of the service (1000)"
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, limit: int, as_json: bool, **options: Any) -> None:
        installed = geocoding.installed()
        if installed is None:
            raise CommandError(
                "没有设置地址解析服务。请设置 MUSTER_GEOCODER，例如 amap 密钥。 "
                "No geocoder is set: set MUSTER_GEOCODER, such as amap KEY."
            )
        provider = Counted(installed)
        told: dict[str, Any] = {"asked": 0, "placed": 0, "not_found": [], "failed": [], "stopped": ""}
        failures = 0
        for pk in self._waiting():
            if provider.asked >= limit:
                break
            # Only now: since the list was made, somebody may have given its place or struck it off.
            enterprise = Enterprise.objects.filter(pk=pk).first()
            if enterprise is None:
                continue
            at = clock.now()
            try:
                region = enterprise.region_id or ""
                located = geocoding.locate(enterprise.address, region=region, provider=provider, at=at)
            except Mistake as mistake:
                told["failed"].append(f"{enterprise.name}：{mistake.zh} {mistake.en}")
                failures += isinstance(mistake, geocoding.ProviderFailed)
                if failures == FAILURES_IN_A_ROW or isinstance(mistake, HOPELESS):
                    told["stopped"] = f"{mistake.zh} {mistake.en}"
                    break
                continue
            failures = 0
            if located and enterprises.place(enterprise, located, by=SYSTEM, at=at):
                told["placed"] += 1
            else:
                told["not_found"].append(enterprise.name)
        told["asked"] = provider.asked
        self._tell(told, as_json=as_json)

    def _waiting(self) -> list[int]:
        placed = [Precision.EXACT, Precision.ADDRESS]
        waiting = Enterprise.objects.exclude(address="").exclude(precision__in=placed)
        return list(waiting.order_by("pk").values_list("pk", flat=True))

    def _tell(self, told: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write(
                f"查询 {told['asked']}，定位 {told['placed']}，未找到 {len(told['not_found'])}，"
                f"出错 {len(told['failed'])}。 Asked {told['asked']}, placed {told['placed']}, "
                f"not found {len(told['not_found'])}, failed {len(told['failed'])}."
            )
            for line in [*told["not_found"], *told["failed"]]:
                self.stdout.write(f"  {line}")
        if told["stopped"]:
            raise CommandError(told["stopped"], returncode=1)


class Counted:
    """The provider, with how often it was asked: what is known from before costs nothing and is not counted."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.source, self.datum = provider.source, provider.datum
        self.asked = 0

    def find(self, address: str) -> tuple[float, float, str] | None:
        self.asked += 1
        return self._provider.find(address)
