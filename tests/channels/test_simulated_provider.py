"""The simulated provider: it takes, refuses and misbehaves as it is told, and its log says what it took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from coordination.channels import Accepted, Ambiguous, CannotLookUp, Message, Rejected
from coordination.channels.http_sms import HttpSmsChannel
from coordination.channels.options import Options
from coordination.simulation.disk_log import read
from coordination.simulation.faults import Behaviour, Fault, WrongBehaviour
from coordination.simulation.provider import Provider
from coordination.simulation.server import Reply, Request, in_a_thread

ROOT = Path(__file__).resolve().parents[2]


def channel_to(address: str, **options: object) -> HttpSmsChannel:
    given = {
        "url": f"{address}/send",
        "look_up_url": f"{address}/messages?reference={{reference}}",
        **options,
    }
    return HttpSmsChannel.of(Options(1, given))


def a_message(number: int = 1, to: str = "+8613812341234") -> Message:
    return Message(
        reference=UUID(int=number),
        recipient="王工",
        address=to,
        subject="",
        text="1接受，2只能远程，3不能参加。",
    )


def told(address: str, what: str, content: object) -> dict:
    asked = urllib.request.Request(
        f"{address}/control/{what}", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "provider.jsonl"


@pytest.fixture
def provider(path):
    provider = Provider(path)
    yield provider
    provider.close()


@pytest.fixture
def address(provider):
    with in_a_thread(provider.handle) as address:
        yield address


def accepted(path: Path) -> list[str]:
    return [entry["reference"] for entry in read(path) if entry["kind"] == "accepted"]


def until(condition, within: float = 5.0) -> None:
    patience_ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < patience_ends, "it did not come to pass"
        time.sleep(0.01)


def test_what_it_takes_is_in_its_log_before_it_answers(address, path):
    assert channel_to(address).send(a_message()) == Accepted("m1")
    assert [entry["kind"] for entry in read(path)][:2] == ["call", "accepted"]
    (taken,) = [entry for entry in read(path) if entry["kind"] == "accepted"]
    assert (taken["to"], taken["text"]) == ("+8613812341234", a_message().text)


@pytest.mark.parametrize(
    ("fault", "outcome", "was_taken"),
    [
        (Fault.REFUSE, Rejected, False),
        (Fault.TEMPORARY, Rejected, False),
        (Fault.ERROR_INSIDE, Rejected, False),
        (Fault.RESET_BEFORE, Ambiguous, False),
        (Fault.SLOW, Accepted, True),
        (Fault.HANG, Ambiguous, True),
        (Fault.RESET_AFTER, Ambiguous, True),
        (Fault.HALF, Ambiguous, True),
        (Fault.GARBAGE, Ambiguous, True),
        (Fault.ERROR_AFTER, Ambiguous, True),
    ],
)
def test_each_fault_looks_from_outside_as_it_says(address, path, fault, outcome, was_taken):
    told(address, "behaviour", {"slow_seconds": 0.1})
    told(address, "next", {"faults": [fault]})
    channel = channel_to(address, time_out=0.5)

    assert isinstance(channel.send(a_message()), outcome)

    assert bool(accepted(path)) == was_taken
    assert (channel.look_up(a_message()) is not None) == was_taken


def test_the_same_seed_goes_wrong_in_the_same_places():
    def course(seed: int) -> list[Fault | None]:
        behaviour = Behaviour().changed({"seed": seed, "hang": 0.3, "refuse": 0.3})
        return [behaviour.fault_of(str(number), 1) for number in range(200)]

    assert course(1) == course(1) != course(2)
    assert 30 < course(1).count(Fault.HANG) < 90
    assert 30 < course(1).count(None) < 120


def test_a_blind_provider_cannot_be_asked_and_takes_everything_twice(address, path):
    told(address, "behaviour", {"memory": "blind"})
    channel = channel_to(address)
    channel.send(a_message())
    channel.send(a_message())
    assert len(accepted(path)) == 2
    with pytest.raises(CannotLookUp):
        channel.look_up(a_message())


def test_one_that_knows_the_reference_takes_it_once(address, path):
    told(address, "behaviour", {"memory": "idempotent"})
    assert channel_to(address).send(a_message()) == channel_to(address).send(a_message()) == Accepted("m1")
    assert len(accepted(path)) == 1


def test_what_it_took_is_known_again_after_a_kill(path):
    with path.open("w") as log:
        taken = {"kind": "accepted", "at": 1.0, "id": "m1", "reference": str(UUID(int=1)), "to": "+86", "text": "",
                 "receipt_url": ""}  # fmt: skip
        log.write(f'{json.dumps(taken)}\n{{"kind": "call", "half a li')
    provider = Provider(path)
    with in_a_thread(provider.handle) as address:
        assert channel_to(address).look_up(a_message(1)) == "m1"
        assert channel_to(address).send(a_message(2)) == Accepted("m2")
    provider.close()
    assert len(list(read(path))) > 2


class Ears:
    """Where callbacks arrive."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict]] = []

    async def handle(self, request: Request) -> Reply:
        self.heard.append((request.path, json.loads(request.body)))
        return Reply.json({})


@pytest.fixture
def ears():
    ears = Ears()
    with in_a_thread(ears.handle) as address:
        ears.address = address
        yield ears


def test_receipts_and_what_a_phone_answers_are_called_back(address, ears):
    told(
        address,
        "behaviour",
        {"receipt_after": 0.0, "habits": [{"text": "1接受", "answer": "1", "after": 0.0}]},
    )
    channel = channel_to(address, secret="x" * 16, callback_base=ears.address)

    channel.send(a_message())

    until(lambda: len(ears.heard) == 2)
    base = f"/callbacks/http_sms/{'x' * 16}"
    assert sorted(path for path, _ in ears.heard) == [f"{base}/receipts/", f"{base}/replies/"]
    receipt = next(event for path, event in ears.heard if "receipts" in path)
    assert (receipt["reference"], receipt["status"]) == (str(UUID(int=1)), "delivered")
    reply = next(event for path, event in ears.heard if "replies" in path)
    assert (reply["from"], reply["text"]) == ("+8613812341234", "1")


def test_it_can_lie_about_receipts_and_repeat_them(address, ears):
    told(
        address, "behaviour", {"receipt_after": 0.0, "lie": 1.0, "callback_copies": 5, "callback_spread": 0.1}
    )
    channel = channel_to(address, secret="x" * 16, callback_base=ears.address)
    for number in range(20):
        channel.send(a_message(number))

    until(lambda: len({event["event_id"] for _, event in ears.heard}) == 20)
    time.sleep(0.3)
    assert len(ears.heard) > 30
    assert {event["status"] for _, event in ears.heard} == {"failed"}


def test_what_would_have_been_called_back_can_be_pulled(address):
    told(address, "behaviour", {"receipt_after": 0.0})
    channel_to(address).send(a_message())
    told(address, "reply", {"from": "+8613812341234", "text": "好的"})

    def pulled() -> dict:
        with urllib.request.urlopen(f"{address}/events?since=0") as answer:
            return json.load(answer)

    until(lambda: pulled()["receipts"])
    assert [reply["text"] for reply in pulled()["replies"]] == ["好的"]


@pytest.mark.parametrize(
    "wrong",
    [{"explode": 0.1}, {"hang": 2}, {"hang": 0.6, "refuse": 0.6}, {"memory": "some"}, {"habits": [{"answers": 1}]},
     {"latency": "long"}, {"faults": {"explode": 0.1}}],
)  # fmt: skip
def test_a_behaviour_that_there_is_none_of_is_refused(address, wrong):
    with pytest.raises(WrongBehaviour):
        Behaviour().changed(wrong)
    with pytest.raises(urllib.error.HTTPError) as refused:
        told(address, "behaviour", wrong)
    assert refused.value.code == 400
    refused.value.close()


def test_it_is_not_for_a_live_installation(settings):
    settings.MUSTER_MODE = "live"
    with pytest.raises(CommandError, match="live installation"):
        call_command("simulate_provider")


def test_the_command_listens_on_this_machine_and_ends_when_told(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simulate_provider", "--json", "--log", str(tmp_path / "log"),
         "--set", "latency=0.01"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=environment | {"MUSTER_MODE": "demo", "MUSTER_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    with process:
        said = json.loads(process.stdout.readline())
        assert said["address"].startswith("http://127.0.0.1:")
        assert channel_to(said["address"]).send(a_message()) == Accepted("m1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert accepted(tmp_path / "log") == [str(UUID(int=1))]
