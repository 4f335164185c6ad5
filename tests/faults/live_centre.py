"""Fill a live installation's empty database for the kill tests; print a duty officer's API key.

python -m tests.faults.live_centre
"""

from __future__ import annotations

import os
from datetime import timedelta


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordination.config.settings")
    import django

    django.setup()

    from ground import clock, installation, tokens
    from ground.models import Mode
    from tests.factories import a_duty_officer, an_expert

    at = clock.now()
    day = clock.day_of(at)
    officer = a_duty_officer()
    for number in range(1, 41):
        an_expert(f"专家{number}", term=(day - timedelta(days=100), day + timedelta(days=1000)))
    installation.begin(Mode.LIVE, sender_name="测试应急中心", at=at)
    key, _token = tokens.issue(officer, name="kill test", valid_for=timedelta(days=1), at=at)
    print(key)


if __name__ == "__main__":
    main()
