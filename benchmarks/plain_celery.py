"""The plain way, for `benchmarks.callout`: one Celery task a message, acknowledged late."""

from __future__ import annotations

import json
import os
import urllib.request

from celery import Celery

app = Celery("plain", broker=os.environ.get("REDIS_URL", "memory://"))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="plain",
    worker_prefetch_multiplier=1,
    broker_transport_options={"visibility_timeout": 10},
)


@app.task(name="plain.send")
def send(reference: str) -> None:
    body = json.dumps({"reference": reference, "to": "+8613900000000", "text": "plain"}).encode()
    request = urllib.request.Request(
        os.environ["MUSTER_BENCHMARK_PROVIDER"] + "/send", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()
