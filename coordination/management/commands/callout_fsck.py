"""Look whether the database of callouts is as it must be. Changes nothing; may run beside everything else."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from coordination import invariants
from ground import clock


class Command(BaseCommand):
    help = (
        "Check the invariants of callouts on the live database. The exit code is 1 when one is broken; "
        "what is only late counts with --prompt."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")
        parser.add_argument("--prompt", action="store_true", help="count what is overdue as broken too")

    def handle(self, *, as_json: bool, prompt: bool, **options: Any) -> None:
        at = clock.now()
        found = invariants.violations(at)
        broken = [one for one in found if prompt or not one.invariant.is_promptness]
        if as_json:
            told = {
                "at": at.isoformat(),
                "checked": [one.code for one in invariants.INVARIANTS],
                "clean": not broken,
                "broken": [
                    {
                        "code": one.invariant.code,
                        "zh": one.invariant.words.zh,
                        "en": one.invariant.words.en,
                        "count": one.count,
                        "places": one.places,
                        "late": one.invariant.is_promptness,
                    }
                    for one in found
                ],
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            by_code = {one.invariant.code: one for one in found}
            for invariant in invariants.INVARIANTS:
                one = by_code.get(invariant.code)
                mark = "✓" if one is None else "▲" if invariant.is_promptness else "✗"
                self.stdout.write(f"{mark} {invariant.code:<14} {invariant.words.zh}  {invariant.words.en}")
                if one:
                    self.stdout.write(f"    {one.count} 处 places: {'; '.join(one.places)}")
            self.stdout.write(
                "数据完好。 All is well." if not broken else "有问题，见上。 Something is broken, see above."
            )
        if broken:
            sys.exit(1)
