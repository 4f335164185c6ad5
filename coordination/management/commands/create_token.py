"""Make a key for the API. It is printed once; only its hash is kept."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ground import clock, tokens
from ground.models import User


class Command(BaseCommand):
    help = "Make an API token for a user and print it; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="what the token is for")
        parser.add_argument("--days", type=int, default=365, help="days until it expires (365)")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, username: str, name: str, days: int, as_json: bool, **options: Any) -> None:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"没有名为“{username}”的在用账号。 There is no active account “{username}”.")
        at = clock.now()
        key, _token = tokens.issue(user, name=name, valid_for=timedelta(days=days), at=at)
        if as_json:
            self.stdout.write(
                json.dumps({"token": key, "expires_at": (at + timedelta(days=days)).isoformat()})
            )
        else:
            self.stdout.write(key)
