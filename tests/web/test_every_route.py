"""Who may open what: every address × every role, against a table that people can review.

The table is written by hand and knows nothing of `ground.access`: it is the second opinion. An address
without a line here fails, and so does a line without an address. A foreign or unknown object answers
404 to whoever may open the page at all. A role that is bound to a region is let in by the same doors, and
finds behind them only what lies there.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver

from coordination import answers, contact_drills, draws, guidance, links
from coordination.answers import Answer
from coordination.guidance import Wish
from coordination.inbound import InboundKind, InboundResult
from coordination.models import Delivery, Inbound, Invitation
from coordination.paging import AnswerSource, Purpose, Reply
from coordination.visits import GuidanceKind
from experts import uploads
from experts.models import Absence
from ground.access import Role
from tests.factories import (
    OFFICER,
    a_callout,
    a_round,
    a_team,
    a_user,
    an_agreement,
    an_enterprise,
    an_expert,
    an_incident,
    invitation_of,
)
from tests.fakes import StoppedClock
from tests.moments import NOON, TODAY

pytestmark = pytest.mark.django_db

# One letter a role, so that a line of the table can be read at a glance.
ROLES = {
    "D": Role.DUTY_OFFICER,
    "R": Role.ROSTER_ADMIN,
    "E": Role.ENTERPRISE,
    "T": Role.TEAM,
    "L": Role.LEADER,
    "A": Role.AUDITOR,
    "S": Role.SYSTEM_ADMIN,
}
SIGNED_IN = "".join(ROLES)
# Nobody signed in, and an expert who has opened the link in their message: the same everywhere else.
ANONYMOUS = "N"
EXPERT = "X"
EVERYBODY = SIGNED_IN + ANONYMOUS + EXPERT
# All that the addresses are filled with lies in 唐山.
HERE, ELSEWHERE = "130200", "130300"
NAMES = ("冀润冷链", "渤海化工", "曹妃甸危化队", "丰润危化队", "李工")

DONE = {200, 201, 204, 302, 303, 400, 409, 422, 503}


@dataclass(frozen=True)
class Doors:
    """Who may use each method of an address; a method that is not named does not exist there.

    `own` are those who may open it, but only for what belongs to them.
    """

    get: str = ""
    post: str = ""
    patch: str = ""
    own: str = ""

    def of(self, method: str) -> str:
        return getattr(self, method)


NOT_WALKED = {
    "callbacks/": "open to nobody but who knows a channel's secret, in test_callbacks",
    "admin/": "Django's own pages behind one door, in test_admin_pages",
    "metrics": "no account but a token opens it, in test_metrics",
}

PAGES = {
    "": Doors(get=SIGNED_IN),
    "healthz": Doors(get=EVERYBODY),
    "readyz": Doors(get=EVERYBODY),
    "sign-in/": Doors(get=EVERYBODY, post=EVERYBODY),
    "sign-out/": Doors(post=EVERYBODY),
    "i18n/setlang/": Doors(get=EVERYBODY, post=EVERYBODY),
    # The stream refuses topic by topic (test_live); a server without streams says so to everybody.
    "live/": Doors(get=EVERYBODY, post=EVERYBODY),
    # Incidents
    "desk/": Doors(get="DLA"),
    "desk/active/": Doors(get="DLA"),
    "desk/side/": Doors(get="DLA"),
    "incidents/": Doors(get="DLA"),
    "incidents/new/": Doors(get="D", post="D"),
    "incidents/new/preview/": Doors(get="D", post="D"),
    "incidents/suggest/": Doors(get="D"),
    "incidents/<uuid:public_id>/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/head/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/facts/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/board/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/candidates/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/nearby/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/replies/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/timeline/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/note/": Doors(post="D"),
    "incidents/<uuid:public_id>/move/": Doors(post="D"),
    "incidents/<uuid:public_id>/levels/": Doors(post="D"),
    "incidents/<uuid:public_id>/correct/": Doors(get="D", post="D"),
    "incidents/<uuid:public_id>/close/": Doors(get="D", post="D"),
    "incidents/<uuid:public_id>/withdraw/": Doors(get="D", post="D"),
    "incidents/<uuid:public_id>/callouts/": Doors(post="D"),
    "incidents/<uuid:public_id>/first-wave/": Doors(post="D"),
    "callouts/<uuid:public_id>/add/": Doors(post="D"),
    "callouts/<uuid:public_id>/seats/<int:position>/": Doors(post="D"),
    "callouts/<uuid:public_id>/pause/": Doors(post="D"),
    "callouts/<uuid:public_id>/resume/": Doors(post="D"),
    "callouts/<uuid:public_id>/stop/": Doors(post="D"),
    "invitations/<uuid:public_id>/answer/": Doors(post="D"),
    "invitations/<uuid:public_id>/withdraw/": Doors(post="D"),
    "deployments/<uuid:public_id>/<slug:step>/": Doors(post="D"),
    "response-plans/": Doors(get="DLA"),
    "response-plans/<slug:kind>/": Doors(get="DLA"),
    "response-plans/<slug:kind>/edit/": Doors(get="D", post="D"),
    "response-plans/<slug:kind>/reset/": Doors(get="D", post="D"),
    "call-sheet/": Doors(get="D", post="D"),
    "contact-drills/": Doors(get="D"),
    "contact-drills/start/": Doors(post="D"),
    "contact-drills/<uuid:public_id>/": Doors(get="D"),
    "c/<str:token>/": Doors(get=EVERYBODY, post=EVERYBODY),
    "policies/": Doors(get="DRLA"),
    "matching-weights/": Doors(get="DRLAS"),
    "matching-weights/edit/": Doors(get="S", post="S"),
    # Guidance
    "my-enterprise/": Doors(get="E"),
    "my-enterprise/guidance/new/": Doors(get="E", post="E"),
    "my-enterprise/guidance/<uuid:public_id>/": Doors(get="E", own="E"),
    "my-enterprise/guidance/<uuid:public_id>/check/": Doors(get="E", post="E", own="E"),
    "my-enterprise/guidance/<uuid:public_id>/rate/": Doors(post="E", own="E"),
    "my-enterprise/guidance/<uuid:public_id>/cancel/": Doors(post="E", own="E"),
    "guidance/": Doors(get="DRLA"),
    "guidance/<uuid:public_id>/": Doors(get="DRLA"),
    "guidance/<uuid:public_id>/<slug:name>/": Doors(post="R"),
    "guidance/<uuid:public_id>/invitations/<uuid:invitation_id>/answer/": Doors(post="R"),
    "draws/<uuid:public_id>.json": Doors(get="DRLAE", own="E"),
    "my-team/": Doors(get="T"),
    "my-team/state/": Doors(post="T"),
    # Roster
    "experts/": Doors(get="DRLA"),
    "experts/new/": Doors(get="R", post="R"),
    "experts/export.xlsx": Doors(post="R"),
    "experts/template.xlsx": Doors(get="R"),
    "experts/import/": Doors(get="R", post="R"),
    "experts/import/<uuid:public_id>/": Doors(get="R", post="R", own="R"),
    "experts/import/<uuid:public_id>/errors.xlsx": Doors(get="R", post="R", own="R"),
    "experts/<uuid:public_id>/": Doors(get="DRLA"),
    "experts/<uuid:public_id>/edit/": Doors(get="R", post="R"),
    "experts/<uuid:public_id>/absences/": Doors(get="R", post="R"),
    "experts/<uuid:public_id>/absences/<int:pk>/remove/": Doors(post="R"),
    "experts/<uuid:public_id>/suspend/": Doors(get="R", post="R"),
    "experts/<uuid:public_id>/resume/": Doors(post="R"),
    "experts/<uuid:public_id>/appoint/": Doors(get="R", post="R"),
    "experts/<uuid:public_id>/renew/": Doors(get="R", post="R"),
    "experts/<uuid:public_id>/dismiss/": Doors(get="R", post="R"),
    "experts/<uuid:public_id>/contacts/": Doors(post="R"),
    "experts/<uuid:public_id>/contacts/reveal/": Doors(post="DR"),
    # Contracts
    "teams/": Doors(get="DRLA"),
    "teams/<uuid:public_id>/": Doors(get="DRLA"),
    "enterprises/": Doors(get="DRLA"),
    "teams/<uuid:public_id>/contacts/": Doors(post="DR"),
    "enterprises/<uuid:public_id>/": Doors(get="DRLA"),
    "enterprises/new/": Doors(get="R", post="R"),
    "enterprises/<uuid:public_id>/edit/": Doors(get="R", post="R"),
    "enterprises/<uuid:public_id>/sites/new/": Doors(get="R", post="R"),
    "enterprises/<uuid:public_id>/contacts/": Doors(post="DR"),
    "agreements/": Doors(get="DRLA"),
    "agreements/new/": Doors(get="R", post="R"),
    "agreements/<uuid:public_id>/": Doors(get="DRLA"),
    "agreements/<uuid:public_id>/edit/": Doors(get="R", post="R"),
    "agreements/<uuid:public_id>/confirm/": Doors(get="R", post="R"),
    "agreements/<uuid:public_id>/terminate/": Doors(get="R", post="R"),
    "agreements/<uuid:public_id>/renew/": Doors(get="R", post="R"),
    # Demo installation only
    "inbox/": Doors(get="DR"),
    # What people wrote back and only a person can read: by whoever may answer for them
    "replies/": Doors(get="DR"),
    "replies/<uuid:public_id>/record/": Doors(post="DR"),
    "replies/<uuid:public_id>/leave/": Doors(post="DR"),
    # By link: the token is the right
    "a/<str:token>/": Doors(get=EVERYBODY, post=EVERYBODY),
    "a/<str:token>/seen/": Doors(post=EVERYBODY),
    "a/<str:token>/calendar.ics": Doors(get=EVERYBODY),
    # The API about itself
    "api/schema/": Doors(get=EVERYBODY),
    "api/docs/": Doors(get=EVERYBODY),
}

API = {
    "industries/": Doors(get=SIGNED_IN),
    "specialties/": Doors(get=SIGNED_IN),
    "capabilities/": Doors(get=SIGNED_IN),
    "regions/": Doors(get=SIGNED_IN),
    "incident-kinds/": Doors(get=SIGNED_IN),
    "experts/": Doors(get="DRLA"),
    "experts/<uuid:public_id>/": Doors(get="DRLA"),
    "enterprises/": Doors(get="DRLAE"),
    "enterprises/<uuid:public_id>/": Doors(get="DRLAE", own="E"),
    "teams/": Doors(get="DRLAT"),
    "teams/<uuid:public_id>/": Doors(get="DRLAT", own="T"),
    "agreements/": Doors(get="DRLAET"),
    "agreements/<uuid:public_id>/": Doors(get="DRLAET", own="ET"),
    "interests/": Doors(get="DRLA"),
    "incidents/": Doors(get="DLA", post="D"),
    "incidents/<uuid:public_id>/": Doors(get="DLA", patch="D"),
    "incidents/<uuid:public_id>/candidates/": Doors(get="DLA"),
    "incidents/<uuid:public_id>/log/": Doors(get="DLA", post="D"),
    "incidents/<uuid:public_id>/close/": Doors(post="D"),
    "incidents/<uuid:public_id>/withdraw/": Doors(post="D"),
    "guidance-requests/": Doors(get="DRLAE", post="E"),
    "guidance-requests/<uuid:public_id>/": Doors(get="DRLAE", patch="E", own="E"),
    "guidance-requests/<uuid:public_id>/candidates/": Doors(get="DRLA"),
    "guidance-requests/<uuid:public_id>/draw/": Doors(get="DRLAE", post="R", own="E"),
    "guidance-requests/<uuid:public_id>/panels/": Doors(get="DRLAE", post="R", own="E"),
    "guidance-requests/<uuid:public_id>/panels/ask/": Doors(post="R"),
    "guidance-requests/<uuid:public_id>/submit/": Doors(post="E", own="E"),
    "guidance-requests/<uuid:public_id>/accept/": Doors(post="R"),
    "guidance-requests/<uuid:public_id>/return/": Doors(post="R"),
    "guidance-requests/<uuid:public_id>/schedule/": Doors(post="R"),
    "guidance-requests/<uuid:public_id>/visited/": Doors(post="R"),
    "guidance-requests/<uuid:public_id>/report/": Doors(post="R"),
    "guidance-requests/<uuid:public_id>/rating/": Doors(post="E", own="E"),
    "guidance-requests/<uuid:public_id>/close/": Doors(post="R"),
    "guidance-requests/<uuid:public_id>/cancel/": Doors(post="RE", own="E"),
    "response-plans/": Doors(get="DLA"),
    "matching-weights/": Doors(get="DRLAS"),
    # Matching stores nothing, so whoever may see it may ask.
    "matches/": Doors(post="DRLA"),
    "callouts/": Doors(get="DRLA", post="DR"),
    "callouts/<uuid:public_id>/": Doors(get="DLA"),
    "callouts/<uuid:public_id>/stop/": Doors(post="D"),
    "callouts/<uuid:public_id>/waves/": Doors(get="DLA", post="D"),
    "callouts/<uuid:public_id>/requirements/<int:position>/": Doors(patch="D"),
    "invitations/": Doors(get="DRLAT"),
    "invitations/<uuid:public_id>/": Doors(get="DLAT", own="T"),
    "invitations/<uuid:public_id>/answer/": Doors(post="DT", own="T"),
    "deployments/": Doors(get="DRLAT"),
    "deployments/<uuid:public_id>/": Doors(get="DLAT", own="T"),
    "deployments/<uuid:public_id>/depart/": Doors(post="DT", own="T"),
    "deployments/<uuid:public_id>/arrive/": Doors(post="DT", own="T"),
    "deployments/<uuid:public_id>/release/": Doors(post="DT", own="T"),
    "deployments/<uuid:public_id>/report/": Doors(post="DT", own="T"),
    # Whatever else is asked for: nobody, in the API's own words
    "^": Doors(),
}
# The door opens for the roster admin, but these rows are an incident's and so do not exist for them.
NOT_THEIRS = {
    f"api/v1/{route}": "R"
    for route in API
    if route.startswith(("callouts/<", "invitations/<", "deployments/<"))
}
TABLE = PAGES | {f"api/v1/{route}": doors for route, doors in API.items()}


def every_route() -> Iterator[str]:
    def walk(patterns: list[Any], before: str = "") -> Iterator[str]:
        for one in patterns:
            route = before + str(one.pattern)
            if isinstance(one, URLPattern):
                yield route
            else:
                yield from walk(one.url_patterns, route)

    for route in walk(get_resolver().url_patterns):
        if not route.startswith(tuple(NOT_WALKED)):
            yield route


def test_every_route_has_its_line_and_every_line_its_route():
    routes = list(every_route())

    assert sorted(set(routes) - set(TABLE)) == [], "an address without an expectation"
    assert sorted(set(TABLE) - set(routes)) == [], "an expectation without an address"


@dataclass(frozen=True)
class World:
    """What the addresses are filled with; `theirs` belongs to another enterprise, team or admin."""

    ours: dict[str, str]
    theirs: dict[str, str]
    browser: Client
    cookies: dict[tuple[str, str | None], SimpleCookie]

    def client(self, letter: str, *, region: str | None = None) -> Client:
        """Return the browser with this role's session, as it was: signing out must not spoil the next call."""
        self.browser.cookies = copy(self.cookies[letter, region])
        return self.browser


@pytest.fixture
def world(the_clock: StoppedClock) -> World:
    firm, other_firm = an_enterprise("冀润冷链公司"), an_enterprise("渤海化工")
    team, other_team = a_team("曹妃甸危化队"), a_team("丰润危化队")
    li = an_expert("李工")
    users = {
        (letter, region): a_user(
            f"user-{role}-{region}",
            role,
            enterprise=firm if role is Role.ENTERPRISE else None,
            team=team if role is Role.TEAM else None,
            region=region,
        )
        for letter, role in ROLES.items()
        for region in (None, HERE, ELSEWHERE)
    }
    other_admin = a_user("other-admin", Role.ROSTER_ADMIN)
    incident = an_incident(firm)
    callout = a_callout(incident, asks=[team, other_team], seats=2)
    invitations = [invitation_of(callout, one) for one in (team, other_team)]
    for invitation in invitations:
        answers.answer(invitation, Answer(Reply.ACCEPT, AnswerSource.LINK), by=OFFICER, at=NOON)
    requests = [_a_request(one) for one in (firm, other_firm)]
    for one in requests:
        guidance.accept(one, by=OFFICER, at=NOON)
    drawn = [draws.draw(one, by=OFFICER, at=NOON) for one in requests]
    visit = a_round(requests[0], asks=[li])
    # One telephone for both, so that its reply is an incident's and a request's.
    asked_at = invitations[0].deliveries.filter(purpose=Purpose.ASK)[0].address
    Delivery.objects.filter(callout=visit).update(address=asked_at)
    reply = Inbound.objects.create(
        provider="sms",
        event_id="1",
        kind=InboundKind.REPLY,
        address=asked_at,
        body={"text": "李工"},
        received_at=NOON,
        result=InboundResult.UNCLEAR,
    )
    absence = Absence.objects.create(expert=li, starts_on=TODAY, ends_on=TODAY)
    kept = [
        uploads.keep(b"no workbook", name="a.xlsx", owner=one, at=NOON)
        for one in (users["R", None], other_admin)
    ]
    drill = contact_drills.start(by=OFFICER, at=NOON)
    agreements = [an_agreement(firm, team), an_agreement(other_firm, other_team)]

    def ids(which: int) -> dict[str, str]:
        return {
            "import": str(kept[which].public_id),
            "incidents": str(incident.public_id),
            "callouts": str(callout.public_id),
            "invitations": str(invitations[which].public_id),
            "deployments": str(invitations[which].deployment.public_id),
            "draws": str(drawn[which].public_id),
            "guidance": str(requests[which].public_id),
            "guidance-requests": str(requests[which].public_id),
            "my-enterprise": str(requests[which].public_id),
            "experts": str(li.public_id),
            "teams": str((team, other_team)[which].public_id),
            "enterprises": str((firm, other_firm)[which].public_id),
            "agreements": str(agreements[which].public_id),
            "replies": str(reply.public_id),
            "<uuid:invitation_id>": str(visit.invitations.get().public_id),
            "<int:position>": "1",
            "<int:pk>": str(absence.pk),
            "<slug:kind>": "hazchem_leak",
            "<slug:step>": "depart",
            "<slug:name>": "accept",
            "contact-drills": str(drill.public_id),
            "c <str:token>": links.check_address(drill.checks.first()).rstrip("/").rsplit("/", 1)[-1],
            "<str:token>": _token(invitations[0]),
        }

    # One browser for all: each new one would load the middleware anew.
    browser = Client()
    cookies: dict[tuple[str, str | None], SimpleCookie] = {
        (letter, None): SimpleCookie() for letter in ANONYMOUS + EXPERT
    }
    for key, user in users.items():
        browser.cookies = SimpleCookie()
        browser.force_login(user)
        cookies[key] = browser.cookies
    browser.cookies = cookies[EXPERT, None]
    browser.get(f"/a/{_token(invitations[0])}/")
    return World(ids(0), ids(1), browser, cookies)


def _a_request(enterprise):
    wish = Wish(
        kind=GuidanceKind.INSPECTION,
        description="罐区隐患排查",
        contact_name="刘骏",
        contact_phone="+8613812341234",
    )
    request = guidance.draft(enterprise, wish, by=OFFICER, at=NOON)
    guidance.submit(request, by=OFFICER, at=NOON)
    return request


def _token(invitation: Invitation) -> str:
    return links.address(links.issue(invitation, at=NOON)).rstrip("/").rsplit("/", 1)[-1]


def address(route: str, ids: dict[str, str], *, of: str | None = None) -> str:
    """Return the address with its blanks filled; with `of`, that id instead of the object's own."""
    parts = route.removeprefix("api/v1/").split("/")
    kind = "import" if parts[:2] == ["experts", "import"] else parts[0]
    filled = route.replace("<uuid:public_id>", of or ids.get(kind, ""))
    for blank, value in ids.items():
        if blank == f"{kind} <str:token>":
            filled = filled.replace("<str:token>", value)
        elif blank.startswith("<"):
            filled = filled.replace(blank, value)
    return "/" + filled.replace("^", "nothing/here/")


def call(client: Client, method: str, path: str, *, as_json: bool) -> Any:
    """Return the answer; whatever the call wrote is undone."""
    with transaction.atomic():
        if method == "get":
            answer = client.get(path)
        elif as_json:
            answer = getattr(client, method)(path, {}, content_type="application/json")
        else:
            answer = getattr(client, method)(path)
        transaction.set_rollback(True)
    return answer


def outcome(answer: Any) -> str:
    if answer.status_code == 302 and answer["Location"].startswith("/sign-in/"):
        return "to sign-in"
    if answer.status_code in (401, 403, 404, 405):
        return str(answer.status_code)
    return "allowed" if answer.status_code in DONE else f"broken: {answer.status_code}"


def expected(route: str, method: str, letter: str) -> set[str]:
    doors = TABLE[route]
    is_api = route.startswith("api/v1/")
    if route == "api/v1/^":
        return {"404"}
    if letter in doors.of(method):
        return {"allowed"}
    if not doors.of(method):
        # A page asks for the method first, the API for who calls.
        return ({"401"} if letter in ANONYMOUS + EXPERT else {"403", "405"}) if is_api else {"405"}
    if letter in ANONYMOUS + EXPERT:
        return {"401"} if is_api else {"to sign-in"}
    return {"404"} if letter in NOT_THEIRS.get(route, "") else {"403"}


WHO = [pytest.param(letter, id=role.value) for letter, role in ROLES.items()] + [
    pytest.param(ANONYMOUS, id="anonymous"),
    pytest.param(EXPERT, id="expert by link"),
]


@pytest.mark.parametrize("letter", WHO)
def test_a_role_is_let_in_or_kept_out(world, letter):
    wrong = []
    for route in TABLE:
        is_api = route.startswith("api/v1/")
        for method in ("get", "post", "patch") if is_api else ("get", "post"):
            answer = call(world.client(letter), method, address(route, world.ours), as_json=is_api)
            if (found := outcome(answer)) not in (right := expected(route, method, letter)):
                wrong.append(f"{method} {route}: {found}, not {right}")

    assert wrong == []


# What a role that is bound to a region may not do even there.
NARROWED = {
    # A plan holds for every region, so it is only read.
    ("D", "response-plans/<slug:kind>/edit/"): "404",
    ("D", "response-plans/<slug:kind>/reset/"): "404",
    ("S", "matching-weights/edit/"): "404",
    # A drill rings at everybody in the province.
    ("D", "contact-drills/start/"): "404",
    ("D", "call-sheet/"): "404",
    ("D", "contact-drills/<uuid:public_id>/"): "404",
    # A need of no record names the pool of the whole province, to whoever sends people.
    ("L", "api/v1/matches/"): "403",
    ("A", "api/v1/matches/"): "403",
}


@pytest.mark.parametrize("letter", ROLES)
def test_a_role_bound_to_a_region_finds_there_what_one_without_finds(world, letter):
    wrong = []
    for route, doors in TABLE.items():
        if route.startswith("experts/import/<"):  # their own upload only
            continue
        for method in ("get", "post", "patch"):
            if letter not in doors.of(method):
                continue
            answer = call(
                world.client(letter, region=HERE),
                method,
                address(route, world.ours),
                as_json=route.startswith("api/"),
            )
            if (found := outcome(answer)) != NARROWED.get((letter, route), "allowed"):
                wrong.append(f"{method} {route}: {found}")

    assert wrong == []


@pytest.mark.parametrize("letter", ROLES)
def test_nothing_of_another_region_exists_for_a_role_bound_to_one(world, letter):
    wrong = []
    for route, doors in TABLE.items():
        for method in ("get", "post", "patch"):
            if letter not in doors.of(method):
                continue
            answer = call(
                world.client(letter, region=ELSEWHERE),
                method,
                address(route, world.ours),
                as_json=route.startswith("api/"),
            )
            if "<uuid:public_id>" in route and outcome(answer) != "404":
                wrong.append(f"{method} {route}: {outcome(answer)}")
            if route not in ONE_POOL and (named := _named(answer)):
                wrong.append(f"{method} {route}: names {named}")

    assert wrong == []


# Who can be sent is one pool for the whole province; the demo inbox is everybody's telephone; a link is a right.
ONE_POOL = {"api/v1/matches/", "inbox/", *(route for route in PAGES if route.startswith(("a/", "c/")))}


def _named(answer: Any) -> list[str]:
    if answer.streaming:
        return []
    return [name for name in NAMES if name in answer.content.decode(errors="replace")]


@pytest.mark.parametrize("letter", WHO)
def test_nothing_is_replaced_or_deleted_by_anybody(world, letter):
    # Django's own: a PUT is treated as the POST or the GET that anybody may send.
    harmless = {"i18n/setlang/", "live/", "sign-in/"}
    wrong = []
    for route in TABLE:
        for method in ("put", "delete"):
            answer = call(world.client(letter), method, address(route, world.ours), as_json=True)
            found = outcome(answer)
            if found not in {"401", "403", "404", "405", "to sign-in"} and route not in harmless:
                wrong.append(f"{method} {route}: {found}")

    assert wrong == []


def test_an_unknown_object_does_not_exist_for_anybody(world):
    wrong = []
    for route, doors in TABLE.items():
        if "<uuid:public_id>" not in route:
            continue
        path = address(route, world.ours, of=str(uuid4()))
        for letter, method in _let_in(doors, SIGNED_IN):
            answer = call(world.client(letter), method, path, as_json=route.startswith("api/"))
            if outcome(answer) != "404":
                wrong.append(f"{letter} {method} {route}: {outcome(answer)}")

    assert wrong == []


def test_a_foreign_object_does_not_exist_for_those_who_have_their_own(world):
    wrong = []
    for route, doors in TABLE.items():
        path = address(route, world.theirs)
        for letter, method in _let_in(doors, doors.own):
            answer = call(world.client(letter), method, path, as_json=route.startswith("api/"))
            if outcome(answer) != "404":
                wrong.append(f"{letter} {method} {route}: {outcome(answer)}")

    assert wrong == []


def _let_in(doors: Doors, letters: str) -> list[tuple[str, str]]:
    methods = ("get", "post", "patch")
    return [(letter, method) for method in methods for letter in doors.of(method) if letter in letters]
