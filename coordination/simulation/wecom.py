"""WeCom's app messages as their documentation describes them: a simulator, on this machine only.

From the pages of developer.work.weixin.qq.com that `docs/channels.md` names: gettoken, message/send,
agent/get, the error codes inside HTTP 200, and that the same request to the same member is shown once.

    POST control/console   {"members": [id], "expire_keys": true, "unlicensed": [id]}
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from coordination.simulation.faults import NOT_TAKEN, Behaviour, Fault
from coordination.simulation.provider import Provider, Taken
from coordination.simulation.server import Reply, Request, Reset

EXPIRES_IN: Final = 7200
LONGEST_BYTES: Final = 2048


class WeCom(Provider):
    def __init__(
        self,
        path: Path,
        behaviour: Behaviour | None = None,
        *,
        corp_id: str = "ww-test",
        corp_secret: str = "test-secret",
        agent_id: int = 1000002,
        members: Iterable[str] = (),
    ) -> None:
        super().__init__(path, behaviour)
        self._account = (corp_id, corp_secret)
        self._agent_id = agent_id
        self.members = {one.lower() for one in members}
        self.unlicensed: set[str] = set()
        self.keys_given = 0
        self._key = ""
        self._shown: dict[str, float] = {}

    async def handle(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["cgi-bin", "gettoken"]:
                return self._give_key(request)
            case ["cgi-bin", "agent", "get"]:
                return self._stale(request) or self._agent(request)
            case ["cgi-bin", "message", "send"]:
                return self._stale(request) or await self._message(request)
            case ["control", "console"]:
                return self._console(request)
        return await super().handle(request)

    def _console(self, request: Request) -> Reply:
        given = request.content()
        if given.get("expire_keys"):
            self._key = ""
        self.members |= {str(one).lower() for one in given.get("members", ())}
        self.unlicensed |= set(given.get("unlicensed", ()))
        return Reply.json({})

    def _give_key(self, request: Request) -> Reply:
        asked = request.query
        if (asked.get("corpid"), asked.get("corpsecret")) != self._account:
            return _error(40001, "invalid credential")
        self.keys_given += 1
        self._key = self._key or f"key-{self.keys_given}"
        return _ok(access_token=self._key, expires_in=EXPIRES_IN)

    def _stale(self, request: Request) -> Reply | None:
        if not self._key or request.query.get("access_token") != self._key:
            return _error(42001, "access_token expired")
        return None

    def _agent(self, request: Request) -> Reply:
        if request.query.get("agentid") != str(self._agent_id):
            return _error(40056, "invalid agentid")
        return _ok(agentid=self._agent_id, name="应急集结")

    async def _message(self, request: Request) -> Reply:
        try:
            asked = json.loads(request.body)
        except ValueError:
            return _error(47001, "data format error")
        if asked.get("agentid") != self._agent_id:
            return _error(40056, "invalid agentid")
        to, text = str(asked.get("touser", "")), str(asked.get("text", {}).get("content", ""))
        if not text or len(text.encode()) > LONGEST_BYTES:
            return _error(45002 if text else 44004, "content size out of limit")
        same = hashlib.sha256(request.body).hexdigest()
        fault = await self._called(same, to)
        if fault in NOT_TAKEN:
            return self._refusal(fault)
        if to.lower() not in self.members:
            return _error(81013, "user & party & tag all invalid")
        if to in self.unlicensed:
            return _ok(invaliduser="", unlicenseduser=to.lower(), msgid="none")
        since = time.time() - float(asked.get("duplicate_check_interval", 1800))
        if asked.get("enable_duplicate_check") and self._shown.get(same, 0.0) > since:
            return await self._answer(self._taken[same][0], fault)
        self._shown[same] = time.time()
        return await self._answer(await self._take(same, to, text, ""), fault)

    def _acceptance(self, message: Taken) -> dict[str, Any]:
        return {"errcode": 0, "errmsg": "ok", "msgid": message.id}

    def _refusal(self, fault: Fault | None) -> Reply:
        match fault:
            case Fault.RESET_BEFORE:
                raise Reset
            case Fault.REFUSE:
                return _error(60111, "userid not found")
            case Fault.ERROR_INSIDE:
                return _error(-1, "system busy")
        return _error(45009, "api freq out of limit")


def _ok(**said: Any) -> Reply:
    return Reply.json({"errcode": 0, "errmsg": "ok", **said})


def _error(code: int, message: str) -> Reply:
    return Reply.json({"errcode": code, "errmsg": message})
