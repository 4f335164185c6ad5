"""A simulated SMS provider: takes messages, or misbehaves as it was told; sends receipts; its phones answer.

It speaks the shape that the gateway channel (`http_sms`) has without options:

    POST /send       {"reference", "to", "text", "receipt_url"}  ->  {"status": "accepted", "id"}
                                                                     {"status": "rejected" or "busy", "reason"}
    GET  /messages?reference=…     {"id"}, or 404
    GET  /events?since=…           {"receipts": […], "replies": […]}

and posts to the `receipt_url`, and to its neighbour `replies/`. How it is told to misbehave: `Control`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import time
from collections import Counter, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from coordination.simulation.disk_log import DiskLog, read
from coordination.simulation.faults import NOT_TAKEN, Behaviour, Fault, Memory, WrongBehaviour
from coordination.simulation.server import Reply, Request, Reset

log = logging.getLogger(__name__)

CALLBACK_WITHIN: Final = 10.0


@dataclass(frozen=True)
class Taken:
    """A message that this provider has taken, and will be paid for."""

    id: str
    reference: str
    to: str
    text: str
    receipt_url: str
    at: float


class Provider:
    """One provider with its phones. What it has taken is in its log and is known again after a restart."""

    def __init__(self, path: Path, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self._path = path
        self._taken: dict[str, list[Taken]] = defaultdict(list)
        self._calls: Counter[str] = Counter()
        self._events: list[dict[str, Any]] = []
        self._scripted: deque[Fault | None] = deque()
        self._answered: Counter[str] = Counter()
        self._replies_to = ""
        self._messages = 0
        self._replies = 0
        self._look_ups = 0
        self._remember()
        self._log = DiskLog(path)
        self._calling = ThreadPoolExecutor(16, thread_name_prefix="callback")
        # The loop keeps no strong reference to a task, and a callback must not be lost to the collector.
        self._running: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        self._calling.shutdown(wait=False, cancel_futures=True)
        self._log.close()

    async def handle(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["send"]:
                return await self._send(request)
            case ["messages"]:
                return await self._look_up(request.query.get("reference", ""))
            case ["events"]:
                return self._pulled(float(request.query.get("since", "0") or 0))
            case ["control", *rest]:
                return await self._control("/".join(rest), request)
            case _:
                return Reply.json({"reason": "no such address"}, 404)

    async def _send(self, request: Request) -> Reply:
        try:
            given = request.content()
        except ValueError:
            return Reply.json({"status": "rejected", "reason": "not JSON"}, 400)
        reference, to, text = (str(given.get(name, "")) for name in ("reference", "to", "text"))
        fault = await self._called(reference, to)
        if not to:
            fault = Fault.REFUSE
        if fault in NOT_TAKEN:
            return self._refusal(fault)
        message = await self._take(reference, to, text, str(given.get("receipt_url", "")))
        return await self._answer(message, fault)

    async def _called(self, reference: str, to: str) -> Fault | None:
        """Write down that somebody calls, and return what happens to this call."""
        self._calls[reference] += 1
        call = self._calls[reference]
        fault = self._scripted.popleft() if self._scripted else self.behaviour.fault_of(reference, call)
        await self._log.write("call", reference=reference, to=to, call=call, fault=fault)
        if self.behaviour.latency:
            await asyncio.sleep(self.behaviour.latency)
        return fault

    async def _take(self, reference: str, to: str, text: str, receipt_url: str) -> Taken:
        known = self._taken[reference]
        if known and self.behaviour.memory is Memory.IDEMPOTENT:
            return known[0]
        self._messages += 1
        message = Taken(f"m{self._messages}", reference, to, text, receipt_url, time.time())
        # Known at once, as at a provider whose database has committed: a look-up may overtake our answer.
        known.append(message)
        await self._log.write("accepted", **{**asdict(message), "at": message.at})
        if receipt_url:
            self._replies_to = f"{receipt_url.rstrip('/').rpartition('/')[0]}/replies/"
        self._start(self._receipts(message))
        self._start(self._phone(message))
        return message

    async def _answer(self, message: Taken, fault: Fault | None) -> Reply:
        said = self._acceptance(message)
        match fault:
            case Fault.SLOW:
                await asyncio.sleep(self.behaviour.slow_seconds)
            case Fault.HANG:
                await asyncio.sleep(self.behaviour.hang_seconds)
                raise Reset
            case Fault.RESET_AFTER:
                raise Reset
            case Fault.HALF:
                return Reply(body=json.dumps(said).encode(), half=True)
            case Fault.GARBAGE:
                return Reply(body=b"<html>\xff\xfe OK?", kind="text/html")
            case Fault.ERROR_AFTER:
                return Reply.json({"reason": "internal error"}, 500)
        return Reply.json(said)

    # What another vendor says in its own way, whose simulator stands on this one.

    def _acceptance(self, message: Taken) -> dict[str, Any]:
        return {"status": "accepted", "id": message.id}

    def _refusal(self, fault: Fault | None) -> Reply:
        match fault:
            case Fault.RESET_BEFORE:
                raise Reset
            case Fault.REFUSE:
                return Reply.json({"status": "rejected", "reason": "number not in service"}, 400)
            case Fault.ERROR_INSIDE:
                return Reply.json({"status": "busy", "reason": "too many messages"})
        return Reply.json({"status": "busy", "reason": "try again"}, 503)

    def _receipt(self, message: Taken, name: str, *, delivered: bool) -> Any:
        return {
            "event_id": name,
            "reference": message.reference,
            "message_id": message.id,
            "status": "delivered" if delivered else "failed",
            "reason": "" if delivered else "phone is off",
            "sequence": 1,
        }

    def _written(self, sender: str, text: str, name: str) -> Any:
        return {"event_id": name, "from": sender, "text": text}

    async def _look_up(self, reference: str) -> Reply:
        self._look_ups += 1
        behaviour = self.behaviour
        if behaviour.memory is Memory.BLIND:
            return Reply.json({"reason": "cannot be asked"}, 501)
        if behaviour.happens(behaviour.look_up_fails, "look_up", reference, self._look_ups):
            await self._log.write("look_up", reference=reference, found="failed")
            return Reply.json({"reason": "come again"}, 503)
        found = [
            one for one in self._taken.get(reference, []) if time.time() - one.at >= behaviour.look_up_delay
        ]
        await self._log.write("look_up", reference=reference, found=found[0].id if found else None)
        return Reply.json({"id": found[0].id}) if found else Reply.json({"reason": "unknown"}, 404)

    # --- what comes back -------------------------------------------------------------------------

    async def _receipts(self, message: Taken) -> None:
        behaviour = self.behaviour
        if not behaviour.receipts:
            return
        await asyncio.sleep(behaviour.receipt_after)
        delivered = not behaviour.happens(behaviour.undelivered, "delivered", message.reference)
        said = delivered != behaviour.happens(behaviour.lie, "lie", message.reference)
        name = f"r-{message.id}"
        receipt = self._receipt(message, name, delivered=said)
        await self._call_back("receipts", message.receipt_url, receipt, name)

    async def _phone(self, message: Taken) -> None:
        for habit in self.behaviour.habits:
            key = f"{habit}:{message.to}"
            if not habit.is_about(message.to, message.text) or self._answered[key] >= habit.times:
                continue
            self._answered[key] += 1
            if not self.behaviour.happens(habit.chance, "habit", message.reference):
                continue
            words = habit.answer.split()
            answer = words[(self._answered[key] - 1) % len(words)] if words else ""
            await asyncio.sleep(habit.after)
            await self._reply(message.to, answer)
            return

    async def _reply(self, sender: str, text: str, to: str = "") -> None:
        self._replies += 1
        name = f"p-{self._replies}"
        await self._call_back("replies", to or self._replies_to, self._written(sender, text, name), name)

    async def _call_back(self, kind: str, url: str, event: Any, name: str) -> None:
        behaviour = self.behaviour
        self._events.append({"list": kind, "at": time.time(), "event": event})
        await self._log.write("event", list=kind, event=event)
        if not url or behaviour.happens(behaviour.lost_callbacks, "lost", name):
            return
        copies = 1 + int(behaviour.roll("copies", name) * behaviour.callback_copies)
        for copy in range(copies):
            wait = behaviour.callback_spread * behaviour.roll("spread", name, copy)
            self._start(self._post(url, event, wait, name))

    async def _post(self, url: str, event: Any, wait: float, name: str) -> None:
        await asyncio.sleep(wait)
        for attempt in range(self.behaviour.callback_tries):
            loop = asyncio.get_running_loop()
            status = await loop.run_in_executor(self._calling, _posted, url, event)
            await self._log.write("callback", event_id=name, status=status)
            if 200 <= status < 300:
                return
            await asyncio.sleep(0.5 * 2**attempt)

    def _pulled(self, since: float) -> Reply:
        lists: dict[str, list[Any]] = {"receipts": [], "replies": []}
        for one in self._events:
            if one["at"] >= since:
                lists[one["list"]].append(one["event"])
        return Reply.json(lists)

    # --- how it is told --------------------------------------------------------------------------

    async def _control(self, what: str, request: Request) -> Reply:
        """Change or show what this provider does. Everything is JSON.

        GET  control/             the behaviour, and how many calls and messages there were
        POST control/behaviour    changes it: {"hang": 0.1, "latency": 0.3, "habits": [{"answer": "1"}]}
        POST control/next         {"faults": ["hang", null, "reset_after"]}: what happens to the next calls
        POST control/reply        {"from", "text", "to"?}: a phone writes, to the replies/ address of callbacks
        GET  control/messages     what was taken; ?to= for one phone
        """
        try:
            given = request.content()
            match request.method, what:
                case "POST", "behaviour":
                    self.behaviour = self.behaviour.changed(given)
                    await self._log.write("behaviour", set=dict(given))
                case "POST", "next":
                    self._scripted.extend(Fault(one) if one else None for one in given.get("faults", []))
                case "POST", "reply":
                    await self._reply(str(given["from"]), str(given["text"]), str(given.get("to", "")))
                case "GET", "messages":
                    to = given.get("to")
                    taken = [one for messages in self._taken.values() for one in messages]
                    return Reply.json([asdict(one) for one in taken if to in (None, one.to)])
                case "GET", "":
                    pass
                case _:
                    return Reply.json({"reason": "no such control"}, 404)
        except (WrongBehaviour, ValueError, KeyError, TypeError) as wrong:
            return Reply.json({"reason": str(wrong)}, 400)
        return Reply.json(
            {
                "behaviour": asdict(self.behaviour),
                "calls": sum(self._calls.values()),
                "messages": sum(map(len, self._taken.values())),
            }
        )

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _remember(self) -> None:
        for entry in read(self._path):
            if entry["kind"] == "accepted":
                message = Taken(**{name: entry[name] for name in Taken.__dataclass_fields__})
                self._taken[message.reference].append(message)
                self._messages += 1
            elif entry["kind"] == "call":
                self._calls[entry["reference"]] += 1
            elif entry["kind"] == "event":
                self._events.append({"list": entry["list"], "at": entry["at"], "event": entry["event"]})
                self._replies += entry["list"] == "replies"


def _posted(url: str, event: Any) -> int:
    """Post an event; return the status, 0 when there was no answer."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    session = make(parts.hostname or "", parts.port, timeout=CALLBACK_WITHIN)
    try:
        body = json.dumps(event, ensure_ascii=False).encode()
        session.request("POST", parts.path, body, {"Content-Type": "application/json"})
        return session.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as failure:
        log.info("no callback to %s: %s", url, failure)
        return 0
    finally:
        session.close()
