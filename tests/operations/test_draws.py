"""Drawing experts for a request: sealed at acceptance, among all who may go, kept for ever, done again."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from contracts.models import Enterprise, Interest, InterestKind
from coordination import callouts, draws, guidance
from coordination.matching.draw import SeedSource, commitment
from coordination.models import Draw, GuidanceRequest
from coordination.visits import GuidanceKind
from experts.models import Absence, Expert
from ground.audit import Actor
from ground.models import AuditEntry
from tests.factories import (
    ASKER,
    OFFICER,
    a_callout,
    a_guidance_request,
    an_accepted_request,
    an_enterprise,
    an_expert,
    an_incident,
)
from tests.moments import NOON, TODAY, minutes

pytestmark = pytest.mark.django_db

ADMIN = Actor(None, "赵敏")
LATER = NOON + minutes(5)


@pytest.fixture
def jirun() -> Enterprise:
    return an_enterprise("冀润冷链公司")


@pytest.fixture
def eight() -> list[Expert]:
    return [an_expert(f"专家{number}") for number in range(1, 9)]


def accepted(
    enterprise: Enterprise, kind: GuidanceKind = GuidanceKind.PLAN_REVIEW, **wish
) -> GuidanceRequest:
    return an_accepted_request(enterprise, kind=kind, by=ADMIN, **wish)


def ids(experts: list[Expert]) -> set[str]:
    return {str(one.public_id) for one in experts}


def candidates_of(made: Draw) -> dict[str, int]:
    return {one["name"]: one["load"] for one in made.candidates}


def test_chance_sends_nobody_with_an_interest_in_the_firm_to_inspect_it(jirun, eight):
    Interest.objects.create(expert=eight[0], enterprise=jirun, kind=InterestKind.ADVISES)

    made = draws.draw(accepted(jirun, GuidanceKind.INSPECTION), by=ADMIN, at=LATER)

    assert set(candidates_of(made)) == {one.name for one in eight[1:]}


def test_somebody_whose_interest_comes_to_light_after_the_draw_is_passed_over(jirun, eight):
    made = draws.draw(accepted(jirun, GuidanceKind.INSPECTION), by=ADMIN, at=LATER)
    first = Expert.objects.get(public_id=made.drawn[0])
    Interest.objects.create(expert=first, enterprise=jirun, kind=InterestKind.SHARES)

    ready = draws.ready(made, at=LATER)

    assert ready.passed_over == [first.name]
    assert first not in [one.expert for one in ready.invitees]


def test_where_all_have_an_interest_nobody_is_drawn_and_it_is_said_why(jirun):
    Interest.objects.create(expert=an_expert("王工"), enterprise=jirun, kind=InterestKind.ADVISES)

    with pytest.raises(draws.NobodyToDraw, match="有利害关系 1"):
        draws.draw(accepted(jirun, GuidanceKind.INSPECTION), by=ADMIN, at=LATER)


# --- the seal ---------------------------------------------------------------------------------------


def test_a_seed_is_sealed_when_the_request_is_accepted_and_only_its_hash_is_written_down(jirun):
    request = a_guidance_request(jirun)
    guidance.submit(request, by=ASKER, at=NOON)
    assert not request.draws.exists()

    guidance.accept(request, by=ADMIN, at=NOON)

    sealed = request.draws.get()
    assert (sealed.drawn_at, sealed.seed_source) == (None, "at_acceptance")
    assert len(sealed.seed) == 64 and sealed.commitment == commitment(sealed.seed)
    audited = AuditEntry.objects.get(action="guidance.seal")
    assert audited.details["commitment"] == sealed.commitment
    assert sealed.seed not in json.dumps(list(AuditEntry.objects.values("details")), default=str)


def test_the_draw_uses_the_seed_that_was_sealed_and_tells_it(jirun, eight):
    request = accepted(jirun)
    sealed = request.draws.get()

    made = draws.draw(request, by=ADMIN, at=LATER)

    assert (made.pk, made.seed, made.commitment) == (sealed.pk, sealed.seed, sealed.commitment)
    audited = AuditEntry.objects.get(action="guidance.draw")
    assert audited.details["seed"] == made.seed
    assert audited.details["fingerprint"] == made.fingerprint == draws.record(made).fingerprint


def test_a_seed_that_is_sealed_is_never_made_anew(jirun):
    request = accepted(jirun)
    sealed = request.draws.get()

    assert draws.seal(request, source=SeedSource.AT_DRAW, by=ADMIN, at=LATER) == sealed
    with pytest.raises(IntegrityError), transaction.atomic():
        Draw.objects.create(
            request=request, number=2, seed="a", commitment="b", seed_source="at_draw", sealed_at=LATER
        )


def test_a_request_that_was_accepted_before_there_were_seals_says_so(jirun, eight):
    request = accepted(jirun)
    request.draws.all().delete()

    assert draws.draw(request, by=ADMIN, at=LATER).seed_source == "at_draw"


# --- who is in it -----------------------------------------------------------------------------------


def test_all_who_may_go_are_in_the_draw_and_as_many_are_drawn_as_the_request_asks_for(jirun, eight):
    request = accepted(jirun, experts_wanted=2)

    made = draws.draw(request, by=ADMIN, at=LATER)

    assert {one["id"] for one in made.candidates} == ids(eight)
    assert (len(made.drawn), len(made.reserve)) == (2, 3)
    assert len({*made.drawn, *made.reserve}) == 5 and {*made.drawn, *made.reserve} <= ids(eight)
    assert (made.drawn_by_label, made.drawn_at, made.number) == ("赵敏", LATER, 1)


def test_whoever_must_recuse_or_is_away_is_never_in_the_draw(jirun, eight):
    tied, away, of_other_trade = eight[0], eight[1], an_expert("矿山专家", practises="MK")
    Interest.objects.create(expert=tied, enterprise=jirun, kind=InterestKind.ADVISES)
    Absence.objects.create(expert=away, starts_on=TODAY, ends_on=TODAY + timedelta(days=30))

    for _ in range(10):
        made = draws.draw(accepted(jirun), seats=4, by=ADMIN, at=LATER)

        assert {one["id"] for one in made.candidates}.isdisjoint(ids([tied, away, of_other_trade]))
        assert {*made.drawn, *made.reserve}.isdisjoint(ids([tied, away, of_other_trade]))


def test_the_call_outs_of_the_last_ninety_days_are_the_load(jirun):
    zhou, wang = an_expert("周明远"), an_expert("王工")
    for ago in (10, 20, 89):
        callout = a_callout(an_incident(jirun), asks=[zhou], at=NOON - timedelta(days=ago))
        callouts.stop(
            callout, reason="处置完毕", release_accepted=True, by=OFFICER, at=NOON - timedelta(days=ago)
        )
    long_ago = a_callout(an_incident(jirun), asks=[wang], at=NOON - timedelta(days=91))
    callouts.stop(
        long_ago, reason="处置完毕", release_accepted=True, by=OFFICER, at=NOON - timedelta(days=91)
    )

    made = draws.draw(accepted(jirun), by=ADMIN, at=NOON)

    assert candidates_of(made) == {"周明远": 3, "王工": 0}


def test_near_trades_are_drawn_only_after_the_trade_is_used_up(jirun):
    of_trade = [an_expert("本行业一"), an_expert("本行业二")]
    near = [an_expert(f"相近{number}", practises="YH") for number in range(3)]
    request = accepted(jirun, experts_wanted=1)

    made = draws.draw(request, by=ADMIN, at=LATER)

    # Two of the trade cannot fill one seat and three reserves, so matching has widened.
    in_order = [*made.drawn, *made.reserve]
    assert set(in_order[:2]) == ids(of_trade)
    assert set(in_order[2:]) <= ids(near)
    assert {one["name"] for one in made.candidates if one["near"]} == {one.name for one in near}


def test_all_of_the_trade_come_before_the_near_trades_however_many_seats_there_are(jirun):
    of_trade = [an_expert(f"本行业{number}") for number in range(7)]
    near = an_expert("相近", practises="YH")

    # Two seats and their reserves take eight, so matching has widened.
    made = draws.draw(accepted(jirun, experts_wanted=2), by=ADMIN, at=LATER)

    assert {one["id"] for one in made.candidates if one["near"]} == ids([near])
    assert {*made.drawn, *made.reserve} <= ids(of_trade)


def test_when_an_interest_leaves_too_few_of_the_trade_the_draw_widens_and_says_so(jirun, eight):
    near = an_expert("相近", practises="YH")
    for tied in eight[:7]:
        Interest.objects.create(expert=tied, enterprise=jirun, kind=InterestKind.ADVISES)
    request = accepted(jirun, GuidanceKind.INSPECTION, experts_wanted=2)

    made = draws.draw(request, by=ADMIN, at=LATER)

    assert set(candidates_of(made)) == {eight[7].name, near.name}
    assert made.drawn == [str(eight[7].public_id), str(near.public_id)]
    said = draws.record(made).widened
    assert said and said.zh == "本行业可抽 1 人，不够，已扩大到相近行业（1 人）；本行业抽完才轮到他们"
    # Doing it again needs nothing but the record.
    assert draws.faults(Draw.objects.get(pk=made.pk)) == ()
    # And whoever is asked on the strength of it may go for the same reasons.
    assert [one.expert for one in draws.ready(made, at=LATER).invitees] == [eight[7], near]


def test_a_draw_among_enough_of_the_trade_speaks_of_no_near_trade(jirun, eight):
    assert draws.record(draws.draw(accepted(jirun), by=ADMIN, at=LATER)).widened is None


def test_near_trades_are_not_in_the_draw_while_there_are_enough_of_the_trade(jirun, eight):
    an_expert("相近", practises="YH")

    assert "相近" not in candidates_of(draws.draw(accepted(jirun), by=ADMIN, at=LATER))


def test_with_nobody_who_may_go_the_refusal_says_why(jirun):
    Absence.objects.create(
        expert=an_expert("周明远"), starts_on=TODAY, ends_on=TODAY + timedelta(days=1), reason="出差"
    )

    with pytest.raises(draws.NobodyToDraw) as refused:
        draws.draw(accepted(jirun), by=ADMIN, at=LATER)

    assert "请假" in refused.value.zh


# --- when -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [one for one in GuidanceKind if one not in draws.DRAWN_FOR])
def test_who_teaches_or_advises_is_chosen_not_drawn(jirun, eight, kind):
    with pytest.raises(draws.CannotDraw):
        draws.draw(accepted(jirun, kind=kind), by=ADMIN, at=LATER)


def test_nobody_is_drawn_before_the_request_is_accepted(jirun, eight):
    request = a_guidance_request(jirun)
    guidance.submit(request, by=ASKER, at=NOON)

    with pytest.raises(draws.CannotDraw) as refused:
        draws.draw(request, by=ADMIN, at=LATER)

    assert "已提交" in refused.value.zh


def test_nobody_is_drawn_while_experts_are_being_asked(jirun, eight):
    request = accepted(jirun)
    ready = draws.ready(draws.draw(request, by=ADMIN, at=LATER), at=LATER)
    callout = guidance.source(request, ready.proposal, ready.invitees, by=ADMIN, at=LATER)

    with pytest.raises(draws.CannotDraw):
        draws.draw(request, reason="想换人", by=ADMIN, at=LATER)

    callouts.stop(callout, reason="重新选派", release_accepted=True, by=ADMIN, at=LATER)
    assert draws.draw(request, reason="专家均已婉拒", by=ADMIN, at=LATER).number == 2


def test_a_further_draw_takes_a_reason_and_replaces_nothing(jirun, eight):
    request = accepted(jirun)
    first = draws.draw(request, by=ADMIN, at=LATER)
    as_it_was = draws.record(first).to_dict()

    for reason in ("", "  "):
        with pytest.raises(draws.AlreadyDrawn):
            draws.draw(request, reason=reason, by=ADMIN, at=LATER)
    second = draws.draw(request, reason="抽中的专家临时出差", by=ADMIN, at=LATER + minutes(1))

    first.refresh_from_db()
    assert draws.record(first).to_dict() == as_it_was
    assert (second.number, second.reason, second.seed_source) == (2, "抽中的专家临时出差", "at_last_draw")
    assert second.sealed_at == LATER and second.seed != first.seed
    assert [one.number for one in request.draws.made()] == [1, 2]


def test_whoever_had_not_seen_the_last_draw_is_told_of_it(jirun, eight):
    request = accepted(jirun)
    draws.draw(request, known=0, by=ADMIN, at=LATER)

    with pytest.raises(draws.AlreadyDrawn) as refused:
        draws.draw(request, known=0, reason="再抽一次", by=Actor(None, "钱伟"), at=LATER)

    assert "赵敏刚刚抽取过" in refused.value.zh


@pytest.mark.parametrize("seats", [0, -1, draws.MOST_SEATS + 1])
def test_no_number_of_seats_beyond_reason_is_drawn(jirun, eight, seats):
    with pytest.raises(draws.WrongSeats):
        draws.draw(accepted(jirun), seats=seats, by=ADMIN, at=LATER)


# --- asking those who were drawn --------------------------------------------------------------------


def test_those_drawn_are_asked_in_the_order_drawn_and_the_reserves_after_them(jirun, eight):
    request = accepted(jirun, experts_wanted=2)
    made = draws.draw(request, by=ADMIN, at=LATER)

    ready = draws.ready(made, at=LATER)
    callout = guidance.source(request, ready.proposal, ready.invitees, by=ADMIN, at=LATER)

    asked = list(callout.invitations.order_by("rank").select_related("expert"))
    assert [str(one.expert.public_id) for one in asked] == [*made.drawn, *made.reserve]
    assert [one.status for one in asked] == ["asked", "asked", "listed", "listed", "listed"]


def test_whoever_went_on_leave_after_the_draw_is_passed_over_by_name(jirun, eight):
    request = accepted(jirun)
    made = draws.draw(request, by=ADMIN, at=LATER)
    first = Expert.objects.get(public_id=made.drawn[0])
    Absence.objects.create(expert=first, starts_on=TODAY, ends_on=TODAY)

    ready = draws.ready(made, at=LATER)

    assert ready.passed_over == [first.name]
    assert [str(one.expert.public_id) for one in ready.invitees if one.expert] == made.reserve


def test_when_nobody_drawn_is_left_a_further_draw_is_asked_for(jirun):
    only = an_expert("周明远")
    made = draws.draw(accepted(jirun), by=ADMIN, at=LATER)
    Absence.objects.create(expert=only, starts_on=TODAY, ends_on=TODAY)

    with pytest.raises(draws.NobodyToDraw) as refused:
        draws.ready(made, at=LATER)

    assert "重新抽取" in refused.value.zh


# --- done again -------------------------------------------------------------------------------------


def test_a_draw_that_was_not_touched_comes_out_the_same(jirun, eight):
    made = draws.draw(accepted(jirun, experts_wanted=2), by=ADMIN, at=LATER)

    assert draws.faults(Draw.objects.get(pk=made.pk)) == ()


def edited(made: Draw, **columns) -> Draw:
    """Change the row behind everybody's back, as somebody with the database could."""
    Draw.objects.filter(pk=made.pk).update(**columns)
    return Draw.objects.get(pk=made.pk)


def test_a_changed_seed_list_or_result_is_found_in_the_database(jirun, eight):
    made = draws.draw(accepted(jirun), by=ADMIN, at=LATER)
    lighter = [{**one, "load": one["load"] + 1} for one in made.candidates]
    not_drawn = [one for one in made.candidates if one["id"] not in (*made.drawn, *made.reserve)]
    without_a_loser = [one for one in made.candidates if one != not_drawn[0]]

    for changed in (
        {"seed": "0" * 64},
        {"seed": "0" * 64, "commitment": commitment("0" * 64)},
        {"drawn": made.reserve[:1], "reserve": [*made.drawn, *made.reserve[1:]]},
        {"candidates": lighter},
        {"candidates": without_a_loser},
        {"drawn_by_label": "钱伟"},
    ):
        as_it_was = {name: getattr(made, name) for name in changed}
        assert draws.faults(edited(made, **changed)), changed
        edited(made, **as_it_was)
    assert draws.faults(Draw.objects.get(pk=made.pk)) == ()


def test_whoever_also_changes_the_fingerprint_is_found_by_the_audit_trail(jirun, eight):
    made = draws.draw(accepted(jirun), by=ADMIN, at=LATER)
    made.candidates = [one for one in made.candidates if one["id"] in (*made.drawn, *made.reserve)]
    forged = edited(made, candidates=made.candidates, fingerprint=draws.record(made).fingerprint)

    assert [fault.zh for fault in draws.faults(forged)] == ["记录与审计日志里的指纹不符。"]


def replay(what: object, **options) -> str:
    out = StringIO()
    call_command("replay_draw", str(what), stdout=out, **options)
    return out.getvalue()


def test_the_command_does_a_draw_again_by_its_id(jirun, eight):
    made = draws.draw(accepted(jirun), by=ADMIN, at=LATER)

    assert "一致：复算结果与记录相同" in replay(made.public_id)
    assert json.loads(replay(made.public_id, as_json=True))["consistent"] is True

    edited(made, drawn=made.reserve[:1])
    out = StringIO()
    with pytest.raises(CommandError, match="不一致") as refused:
        call_command("replay_draw", str(made.public_id), stdout=out)
    assert refused.value.returncode == 1 and "抽中名单与复算不符" in out.getvalue()


def test_the_command_does_a_draw_again_from_its_file_alone(jirun, eight, tmp_path):
    made = draws.draw(accepted(jirun), by=ADMIN, at=LATER)
    file = tmp_path / "draw.json"
    file.write_text(json.dumps(draws.record(made).to_dict(), ensure_ascii=False), encoding="utf-8")

    assert "本系统的记录" in replay(file)

    # On another machine there is only the file.
    made.delete()
    assert "本系统没有这次抽取" in replay(file) and "一致：" in replay(file)


def test_the_command_finds_a_file_that_was_written_anew_to_fit_itself(jirun, eight, tmp_path):
    made = draws.draw(accepted(jirun), by=ADMIN, at=LATER)
    made.candidates = [one for one in made.candidates if one["id"] in (*made.drawn, *made.reserve)]
    file = tmp_path / "draw.json"
    file.write_text(json.dumps(draws.record(made).to_dict()))

    out = StringIO()
    with pytest.raises(CommandError, match="不一致"):
        call_command("replay_draw", str(file), stdout=out)

    assert "文件与本系统保存的记录不符" in out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "找不到文件", id="no file"),
        pytest.param("draw", "不是有效的 JSON", id="no JSON"),
        pytest.param("[" * 100_000, "不是有效的 JSON", id="brackets without end"),
        pytest.param("{}", "这不是抽取记录", id="no record"),
        pytest.param(b"\xff\xfe", "不是有效的 JSON", id="no text"),
        pytest.param('{"id": "\\ud800"}', "这不是抽取记录：id", id="half a character"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(tmp_path, content, said):
    file = tmp_path / "draw.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(CommandError, match=said):
        replay(file)


@pytest.mark.parametrize("asked", ["ZD-1", "8d5e8f5e-0d6c-4b8e-9d3e-0b1a2c3d4e5f"])
def test_the_command_says_that_there_is_no_such_draw(asked):
    with pytest.raises(CommandError):
        replay(asked)


def test_a_seal_cannot_be_replayed_before_the_draw(jirun):
    sealed = accepted(jirun).draws.get()

    with pytest.raises(CommandError, match="没有编号"):
        replay(sealed.public_id)
