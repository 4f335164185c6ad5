"""Work a recommendation out again from what was kept with it, and say whether it comes out the same."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from coordination import replays
from coordination.models import Recommendation
from ground.mistakes import Refused


class Command(BaseCommand):
    help = "Work a recommendation out again and say 一致 or 不一致. The exit code is 1 when it does not come out the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recommendation", metavar="ID", type=UUID)
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, recommendation: UUID, as_json: bool, **options: Any) -> None:
        kept = Recommendation.objects.filter(public_id=recommendation).first()
        if kept is None:
            raise CommandError(
                f"没有 id 为 {recommendation} 的推荐。 There is no recommendation with this id."
            )
        try:
            again = replays.worked_out_again(kept)
        except Refused as refused:
            raise CommandError(f"{refused.zh} {refused.en}") from refused
        differences = list(differing(kept.outcome, again))
        if as_json:
            told = {"id": str(recommendation), "consistent": not differences, "differences": differences}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write(f"{kept}  规则 {kept.rules_version}")
            for where in differences:
                self.stdout.write(f"  {where}")
        if differences:
            raise CommandError("不一致。 It does not come out the same.", returncode=1)
        if not as_json:
            self.stdout.write("一致：复算结果与记录相同。 It comes out the same.")


def differing(kept: Any, again: Any, where: str = "") -> Iterator[str]:
    """Return where two documents differ, such as "matches.0.picks: [3] → [4]"."""
    if isinstance(kept, dict) and isinstance(again, dict):
        for name in sorted(kept.keys() | again.keys()):
            yield from differing(kept.get(name), again.get(name), f"{where}.{name}" if where else name)
    elif isinstance(kept, list) and isinstance(again, list) and len(kept) == len(again):
        for number, (one, other) in enumerate(zip(kept, again, strict=True)):
            yield from differing(one, other, f"{where}.{number}")
    elif kept != again:
        yield f"{where}: {json.dumps(kept, ensure_ascii=False)} → {json.dumps(again, ensure_ascii=False)}"
