"""The draw: by hand, in any order, fair by load, and no change to its record goes unseen."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coordination.matching.chances import chances
from coordination.matching.draw import (
    ALGORITHM,
    Candidate,
    Drawn,
    Record,
    SeedSource,
    WrongRecord,
    commitment,
    draw,
    lot,
)

ZHOU, WANG, LI, ZHAO = "zhou", "wang", "li", "zhao"
SEEDS = 20_000


def by_load(**loads: int) -> list[Candidate]:
    return [Candidate(id_, load) for id_, load in loads.items()]


def drawn(candidates: list[Candidate], *, seats: int = 1, reserves: int = 0, seed: str = "seed") -> Drawn:
    return draw(candidates, seats=seats, reserves=reserves, seed=seed)


# --- by hand ----------------------------------------------------------------------------------------


def test_a_draw_by_hand_with_sha256sum_comes_out_the_same():
    # printf %s "seed|zhou" | sha256sum  begins 05d4: u = 0.0228, called out once         u² = 0.00052
    # printf %s "seed|wang" | sha256sum  begins 8a67: u = 0.5406, called out five times   u⁶ = 0.02497
    # printf %s "seed|li" | sha256sum    begins 2068: u = 0.1266, never called out        u  = 0.12659
    candidates = by_load(zhou=1, wang=5, li=0)

    assert [round(lot("seed", one), 5) for one in candidates] == [0.00052, 0.02497, 0.12659]
    assert drawn(candidates, seats=1, reserves=2) == Drawn((LI,), (WANG, ZHOU))


def test_this_draw_comes_out_the_same_for_ever():
    # A change of the algorithm needs a new name: draws of years ago must still come out as they did.
    candidates = [Candidate(f"expert-{number}", number % 4, is_near=number > 7) for number in range(12)]

    assert ALGORITHM == "muster-lots-1"
    assert draw(candidates, seats=3, reserves=3, seed="2026") == Drawn(
        ("expert-1", "expert-5", "expert-4"), ("expert-0", "expert-3", "expert-7")
    )


def test_lots_too_small_for_a_float_are_still_told_apart():
    # As floats both lots are 0.0; as fractions they differ.
    tired = by_load(zhou=4000, wang=4001)

    assert [lot("seed", one) for one in tired] == [0.0, 0.0]
    assert drawn(tired, seats=2) == drawn(tired[::-1], seats=2) == Drawn((WANG, ZHOU), ())


# --- any order, any number --------------------------------------------------------------------------

lots = st.lists(
    st.builds(Candidate, st.text(max_size=6), st.integers(0, 40), st.booleans()),
    unique_by=lambda one: one.id,
    max_size=12,
)


@given(lots, st.randoms(use_true_random=False), st.integers(0, 5), st.integers(0, 5), st.text(max_size=8))
def test_the_order_in_which_candidates_are_given_does_not_matter(candidates, shuffler, seats, reserves, seed):
    shuffled = list(candidates)
    shuffler.shuffle(shuffled)

    assert draw(candidates, seats=seats, reserves=reserves, seed=seed) == draw(
        shuffled, seats=seats, reserves=reserves, seed=seed
    )


@given(lots, st.integers(0, 5), st.integers(0, 5), st.text(max_size=8))
def test_as_many_as_are_asked_for_are_drawn_each_once_and_near_trades_last(candidates, seats, reserves, seed):
    result = draw(candidates, seats=seats, reserves=reserves, seed=seed)
    in_order = [*result.seats, *result.reserves]
    near = {one.id: one.is_near for one in candidates}

    assert len(result.seats) == min(seats, len(candidates))
    assert len(in_order) == min(seats + reserves, len(candidates)) == len(set(in_order))
    assert [near[id_] for id_ in in_order] == sorted(near[id_] for id_ in in_order)
    trade = sum(not one.is_near for one in candidates)
    assert sum(not near[id_] for id_ in in_order) == min(trade, len(in_order))


@given(lots, st.integers(1, 5), st.text(max_size=8))
def test_whoever_leaves_changes_nothing_in_the_order_of_the_others(candidates, seats, seed):
    assume(candidates)
    everybody = draw(candidates, seats=len(candidates), reserves=0, seed=seed).seats
    without = draw(candidates[1:], seats=len(candidates), reserves=0, seed=seed).seats

    assert without == tuple(id_ for id_ in everybody if id_ != candidates[0].id)


@pytest.mark.parametrize(
    ("candidates", "seats"),
    [
        pytest.param([Candidate(LI, 0), Candidate(LI, 1)], 1, id="somebody twice"),
        pytest.param([Candidate(LI, -1)], 1, id="less than never called out"),
        pytest.param([Candidate(LI, 0)], -1, id="fewer than no seats"),
    ],
)
def test_nonsense_is_refused(candidates, seats):
    with pytest.raises(ValueError):
        draw(candidates, seats=seats, reserves=0, seed="seed")


# --- fair -------------------------------------------------------------------------------------------

# What chance alone exceeds once in a thousand runs; the seeds are fixed, so a run never differs from the last.
CHI_SQUARE_999 = {1: 10.83, 2: 13.82, 3: 16.27, 7: 24.32}


def chi_square(found: Counter[str], expected: dict[str, float]) -> float:
    return sum((found[id_] - count) ** 2 / count for id_, count in expected.items())


def first_drawn(candidates: list[Candidate]) -> Counter[str]:
    return Counter(drawn(candidates, seed=str(number)).seats[0] for number in range(SEEDS))


def test_those_with_equal_loads_are_drawn_equally_often():
    eight = [Candidate(f"expert-{number}", 2) for number in range(8)]

    found = first_drawn(eight)

    assert chi_square(found, {one.id: SEEDS / 8 for one in eight}) < CHI_SQUARE_999[7], found


def test_the_chance_to_come_first_is_one_by_one_plus_the_call_outs():
    candidates = by_load(zhou=0, wang=0, li=1, zhao=3)

    found = first_drawn(candidates)

    weight = {one.id: 1 / (1 + one.load) for one in candidates}
    expected = {id_: SEEDS * w / sum(weight.values()) for id_, w in weight.items()}
    assert chi_square(found, expected) < CHI_SQUARE_999[3], (found, expected)


def test_second_places_are_drawn_by_the_same_weights_among_the_rest():
    candidates = by_load(zhou=0, wang=1, li=3)

    pairs = Counter(drawn(candidates, seats=2, seed=str(number)).seats for number in range(SEEDS))

    weight = {one.id: Fraction(1, 1 + one.load) for one in candidates}
    for first, second in itertools.permutations(weight, 2):
        share = weight[first] / sum(weight.values()) * weight[second] / (sum(weight.values()) - weight[first])
        spread = (SEEDS * share * (1 - share)) ** 0.5
        assert abs(pairs[first, second] - SEEDS * share) < 4 * spread, (first, second)


def test_a_run_of_seeds_differing_in_one_digit_shows_no_pattern():
    two = by_load(zhou=0, wang=0)
    winners = [drawn(two, seed=f"{number:064x}").seats[0] == ZHOU for number in range(SEEDS)]

    changes = sum(one != other for one, other in itertools.pairwise(winners))

    assert abs(changes - SEEDS / 2) < 4 * (SEEDS / 4) ** 0.5


# --- chances ----------------------------------------------------------------------------------------


def exact_chances(candidates: list[Candidate], seats: int) -> dict[str, Fraction]:
    """Every order in which they can be drawn, each with its probability."""
    found = {one.id: Fraction(0) for one in candidates}
    weight = {one.id: Fraction(1, 1 + one.load) for one in candidates}
    for order in itertools.permutations(weight, min(seats, len(weight))):
        share, left = Fraction(1), sum(weight.values())
        for id_ in order:
            share, left = share * weight[id_] / left, left - weight[id_]
        for id_ in order:
            found[id_] += share
    return found


@pytest.mark.parametrize(
    "loads",
    [(0,), (0, 0), (0, 1, 3), (2, 2, 2, 2), (0, 30, 30), (0, 0, 0, 60), (0, 1, 2, 3, 4, 5)],
    ids=str,
)
def test_the_chances_shown_are_those_of_all_orders_in_which_one_can_draw(loads):
    candidates = [Candidate(f"expert-{number}", load) for number, load in enumerate(loads)]

    for seats in range(len(loads) + 2):
        shown, exact = chances(candidates, seats=seats), exact_chances(candidates, seats)
        assert all(abs(shown[id_] - float(exact[id_])) < 1e-5 for id_ in exact), (seats, shown, exact)


def test_the_chances_add_up_to_the_seats_however_many_candidates():
    many = [Candidate(f"expert-{number}", number % 6) for number in range(3000)]

    assert abs(sum(chances(many, seats=5).values()) - 5) < 1e-4


def test_near_trades_have_a_chance_only_at_what_the_trade_leaves_empty():
    candidates = [Candidate(ZHOU, 9), Candidate(WANG, 0, is_near=True), Candidate(LI, 0, is_near=True)]

    assert chances(candidates, seats=1) == {ZHOU: 1.0, WANG: 0.0, LI: 0.0}
    two = chances(candidates, seats=2)
    assert two[ZHOU] == 1.0 and abs(two[WANG] - 0.5) < 1e-6


# --- the record -------------------------------------------------------------------------------------


def a_record(**changes) -> Record:
    candidates = tuple(by_load(zhou=0, wang=2, li=1, zhao=0))
    values = {
        "id": "8d5e8f5e-0d6c-4b8e-9d3e-0b1a2c3d4e5f",
        "request": "ZD-20261124-001",
        "number": 1,
        "algorithm": ALGORITHM,
        "seed": "f00d",
        "commitment": commitment("f00d"),
        "seed_source": SeedSource.AT_ACCEPTANCE.value,
        "sealed_at": "2026-11-24T06:18:00+00:00",
        "seats": 1,
        "reserves": 2,
        "candidates": candidates,
        "drawn": draw(candidates, seats=1, reserves=2, seed="f00d"),
        "drawn_at": "2026-11-24T06:20:00+00:00",
        "drawn_by": "赵敏",
        "reason": "",
    }
    return Record(**(values | changes))


def test_a_record_that_was_written_and_read_comes_out_the_same():
    record = a_record()

    again, fingerprint = Record.from_dict(record.to_dict())

    assert again.to_dict() == record.to_dict() and fingerprint == record.fingerprint
    assert again.faults() == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"seed": "f00e"}, "种子与封存的承诺值不符", id="another seed"),
        pytest.param({"drawn": Drawn(("li",), ("wang", "zhao"))}, "抽中名单与复算不符", id="another result"),
        pytest.param({"reserves": 1}, "候补名单与复算不符", id="fewer reserves"),
        pytest.param({"algorithm": "muster-lots-0"}, "请用当时的版本核对", id="another algorithm"),
    ],
)
def test_doing_it_again_finds_what_was_changed(changes, said):
    assert any(said in fault.zh for fault in a_record(**changes).faults())


def test_a_winner_taken_off_the_list_is_found():
    record = a_record()
    left = tuple(one for one in record.candidates if one.id != record.drawn.seats[0])

    assert a_record(candidates=left).faults()


@given(st.data())
def test_no_change_to_a_record_leaves_its_fingerprint(data):
    written = a_record().to_dict()
    name = data.draw(st.sampled_from(sorted(set(written) - {"fingerprint"})))
    changed = dict(written)
    match changed[name]:
        case str() as text:
            changed[name] = data.draw(st.text(max_size=70).filter(lambda other: other != text))
        case int() as count:
            changed[name] = data.draw(st.integers(0, 9).filter(lambda other: other != count))
        case list() as listed:
            changed[name] = listed[1:]

    again, fingerprint = Record.from_dict(changed)

    assert again.fingerprint != fingerprint


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param({"seed": None}, "seed", id="no seed"),
        pytest.param({"seats": "2"}, "seats", id="a count in quotes"),
        pytest.param({"seats": True}, "seats", id="a yes for a count"),
        pytest.param({"candidates": {}}, "candidates", id="no list"),
        pytest.param({"candidates": ["li"]}, "candidates[0]", id="a name only"),
        pytest.param(
            {"candidates": [{"id": "li", "load": 10**9, "near": False}]},
            "candidates[0].load",
            id="a load beyond reason",
        ),
        pytest.param(
            {"candidates": [{"id": "li", "load": 0, "near": False}] * 2}, "candidates", id="somebody twice"
        ),
        pytest.param({"drawn": [1]}, "drawn", id="a number for an id"),
        pytest.param({"fingerprint": 5}, "fingerprint", id="no fingerprint"),
    ],
)
def test_what_is_no_record_is_refused_with_the_place(change, where):
    with pytest.raises(WrongRecord) as refused:
        Record.from_dict({**a_record().to_dict(), **change})

    assert where in refused.value.zh and where in refused.value.en


def test_a_list_is_no_record():
    with pytest.raises(WrongRecord):
        Record.from_dict([])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seed": "\ud800"}, id="half a character in the seed"),
        pytest.param({"drawn": ["\ud800"]}, id="half a character in a name"),
        pytest.param({"fingerprint": "\ud800"}, id="half a character in the fingerprint"),
        pytest.param(
            {"candidates": [{"id": str(one), "load": 10_000, "near": False} for one in range(1001)]},
            id="lots that would fill the memory",
        ),
    ],
)
def test_a_record_that_cannot_be_done_again_is_refused_before_it_is_tried(change):
    with pytest.raises(WrongRecord):
        Record.from_dict({**a_record().to_dict(), **change})
