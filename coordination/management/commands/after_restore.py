"""What has to be done after a backup was restored, before anything may be sent from it."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coordination import restores
from coordination.channels.shapes import LONGEST_TIME_OUT
from coordination.models import Worker
from ground import clock, installation
from ground.audit import SYSTEM
from ground.dates import SHANGHAI
from ground.mistakes import Refused
from ground.models import Mode

# So long a sender that still runs may take to notice that it has to hold, and to show a sign of life.
HOLDS_WITHIN_SECONDS = 8
# What it has on the wire at that moment, no provider may know of yet.
CALLS_END_WITHIN_SECONDS = LONGEST_TIME_OUT + 5


class Command(BaseCommand):
    help = (
        "After a backup was restored: look at the providers which messages are out already, put aside what nobody "
        "can tell, pause the running callouts, and let the senders send again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--restored",
            action="store_true",
            help="the database was restored, though this machine cannot tell, having sent nothing from it before",
        )

    def handle(self, *, restored: bool, **options: Any) -> None:
        try:
            installation.check(Mode(settings.MUSTER_MODE))
        except Refused as refused:
            raise CommandError(f"{refused.zh}\n{refused.en}") from refused
        if not restored and not restores.is_held(at=clock.now()):
            # On a healthy database it would put aside what is about to be sent.
            raise CommandError(
                "看不出数据库曾从备份恢复，没有做任何改动。若确是从备份恢复的（例如恢复到了另一台机器），请加 --restored。\n"
                "Nothing shows that this database was restored; nothing was changed. If it was (onto another machine, "
                "for one), run it with --restored."
            )
        began = clock.now()
        restores.hold(at=began)
        time.sleep(HOLDS_WITHIN_SECONDS)
        if Worker.objects.filter(heartbeat_at__gt=began).exists():
            self.stdout.write(
                f"有发送程序在运行，等它正在发的消息有结果（{CALLS_END_WITHIN_SECONDS:.0f} 秒）……\n"
                f"A sender runs; waiting {CALLS_END_WITHIN_SECONDS:.0f} s for what it has on the wire …"
            )
            time.sleep(CALLS_END_WITHIN_SECONDS)
        settled = restores.settle(by=SYSTEM, at=clock.now())
        known = settled.last_known_at.astimezone(SHANGHAI)
        self.stdout.write(
            f"数据库的最后记录在 {known:%Y-%m-%d %H:%M:%S}，此后的记录已丢失。\n"
            f"The last thing that the database knows of is of {known:%Y-%m-%d %H:%M:%S}; what came after is lost."
        )
        self.stdout.write(
            f"  已查到发出 found at a provider: {settled.found}\n"
            f"  确未发出，继续后照常发送 certainly not sent, will be once you resume: {settled.unsent}\n"
            f"  无法查证，待核 nobody can tell, put aside: {settled.aside}"
        )
        if settled.paused:
            self.stdout.write(
                "已暂停的通知应答，请逐个核对（打电话问清谁已接到、谁已答复）后继续或结束：\n"
                "Paused callouts; ring up who was asked, then resume or end each:"
            )
        for callout in settled.paused:
            subject = callout.incident or callout.guidance_request
            asked = callout.invitations.exclude(asked_at=None).count()
            accepted = callout.invitations.filter(status="accepted").count()
            self.stdout.write(f"  {subject}  已通知 asked {asked}  已接受 accepted {accepted}")
        self.stdout.write("可以发送了。 Sending may go on.")
