"""Filling seats, held against an exact solver of its own and, where that is small enough, every seating there is."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coordination.matching.seating import Bench, seat
from tests.exact_seating import Line, Sitter, Value, best, value_of

NEAR, FAR = False, True
LI, WANG, ZHAO, QIAN = 1, 2, 3, 4


def line(seats: int, *sitters: tuple[int, ...], critical: bool = False, hurry: bool = False) -> Line:
    """Return a requirement; a sitter is (who, cost, far) or (who, cost, far, arrival)."""
    people = tuple(Sitter(one[0], one[3] if len(one) > 3 else 0, one[1], bool(one[2])) for one in sitters)
    return Line(seats, 2 if critical else 1, hurry, people)


def bench(one: Line) -> Bench:
    ordered = sorted(one.sitters, key=lambda sitter: (sitter.far, sitter.cost, sitter.who))
    return Bench(
        one.seats,
        one.weight,
        np.array([sitter.who for sitter in ordered], dtype=np.int64),
        np.array([sitter.cost for sitter in ordered], dtype=np.int64),
        np.array([sitter.far for sitter in ordered], dtype=bool),
        np.array([sitter.arrival for sitter in ordered], dtype=np.int64) if one.in_a_hurry else None,
    )


def seated(lines: Sequence[Line]) -> list[list[int]]:
    return seat([bench(one) for one in lines])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], [], id="nothing is asked"),
        pytest.param([line(0, (LI, 5, NEAR))], [[]], id="no seats"),
        pytest.param([line(-1, (LI, 5, NEAR)), line(1, (LI, 5, NEAR))], [[], [LI]], id="fewer than no seats"),
        pytest.param([line(2)], [[]], id="nobody may sit"),
        pytest.param([line(2, (LI, 5, NEAR))], [[LI]], id="one person, two seats"),
        pytest.param([line(2, (LI, 9, NEAR), (WANG, 5, NEAR))], [[WANG, LI]], id="best first"),
        pytest.param(
            [line(1, (LI, 0, NEAR), (WANG, 9, NEAR)), line(1, (LI, 1, NEAR))],
            [[WANG], [LI]],
            id="the best of the first gives way to fill the second",
        ),
        pytest.param(
            [line(1, (LI, 0, NEAR)), line(1, (LI, 99, NEAR), critical=True)],
            [[], [LI]],
            id="one person, and the critical seat comes first at any cost",
        ),
        pytest.param(
            [line(1, (LI, 900, NEAR), (WANG, 0, FAR))],
            [[LI]],
            id="a near trade never displaces the trade itself",
        ),
        pytest.param(
            [line(1, (LI, 0, NEAR, 40), (WANG, 0, FAR, 10), hurry=True)],
            [[LI]],
            id="a specialist forty minutes away before a neighbour of the trade ten minutes away",
        ),
        pytest.param(
            [line(2, (LI, 900, NEAR), (WANG, 0, FAR))], [[LI, WANG]], id="a near trade fills what is left"
        ),
        pytest.param(
            [line(1, (ZHAO, 5, NEAR), (WANG, 5, NEAR), (QIAN, 5, NEAR))], [[WANG]], id="equals go by number"
        ),
        pytest.param(
            [line(1, (LI, 3, NEAR), (WANG, 1, NEAR)), line(1, (LI, 1, NEAR), (WANG, 3, NEAR))],
            [[WANG], [LI]],
            id="the least sum over all seats",
        ),
        pytest.param(
            [
                line(1, (LI, 20, NEAR, 20), (WANG, 30, NEAR, 30), hurry=True),
                line(1, (LI, 25, NEAR, 25), (WANG, 90, NEAR, 90), hurry=True),
            ],
            [[WANG], [LI]],
            id="in a hurry the last to arrive decides, not the nearest to the first",
        ),
        pytest.param(
            [line(1, (LI, 0, NEAR, 90), (WANG, 9, NEAR, 30), hurry=True)],
            [[WANG]],
            id="in a hurry the sooner before the better",
        ),
        pytest.param(
            [line(1, (LI, 0, NEAR, 90), (WANG, 9, NEAR, 30))],
            [[LI]],
            id="in no hurry the better before the sooner",
        ),
        pytest.param(
            [
                line(1, (LI, 5, NEAR, 60), hurry=True),
                line(1, (WANG, 0, NEAR, 50), (ZHAO, 7, NEAR, 10), hurry=True),
            ],
            [[LI], [WANG]],
            id="nobody is rushed who need not be: the first takes an hour anyway",
        ),
        pytest.param(
            [line(1, (LI, 5, NEAR, 400), hurry=True)], [[LI]], id="late is better than an empty seat"
        ),
    ],
)
def test_seats_are_filled(lines: list[Line], expected: list[list[int]]) -> None:
    assert seated(lines) == expected


@st.composite
def small_instances(draw: st.DrawFn) -> list[Line]:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        who = draw(st.lists(st.integers(0, 5), unique=True, max_size=6))
        lines.append(
            line(
                draw(st.integers(0, 2)),
                *(
                    (one, draw(st.integers(0, 6)), draw(st.booleans()), draw(st.integers(0, 4)))
                    for one in who
                ),
                critical=draw(st.booleans()),
                hurry=draw(st.booleans()),
            )
        )
    return lines


def order(value: Value) -> tuple[int, int, int, int]:
    return -value.worth, value.last_resorts, value.worst_arrival, value.cost


def every_seating(lines: Sequence[Line]) -> list[list[list[int]]]:
    choices = [
        [
            list(some)
            for count in range(one.seats + 1)
            for some in itertools.combinations([sitter.who for sitter in one.sitters], count)
        ]
        for one in lines
    ]
    return [
        list(seating)
        for seating in itertools.product(*choices)
        if len({who for sitting in seating for who in sitting}) == sum(len(sitting) for sitting in seating)
    ]


@settings(max_examples=300, deadline=None)
@given(small_instances())
@example([line(1, (0, 6, FAR), (1, 0, FAR)), line(2, (0, 0, NEAR), (1, 6, NEAR)), line(1, (1, 3, NEAR))])
def test_no_other_seating_is_better_and_the_exact_solver_agrees(lines: list[Line]) -> None:
    ours = order(value_of(lines, seated(lines)))

    assert ours == min(order(value_of(lines, other)) for other in every_seating(lines))
    assert ours == order(best(lines))


@pytest.mark.parametrize("seed", range(400))
def test_up_to_eight_seats_and_twelve_people_equal_the_exact_solver(seed: int) -> None:
    luck = random.Random(seed)
    people, left, lines = luck.randint(4, 12), 8, []
    for _ in range(luck.randint(1, 8)):
        seats = min(left, luck.randint(1, 3))
        left -= seats
        some = luck.sample(range(people), luck.randint(0, people))
        # Few different values, so that there are ties; and now and then a wide range.
        widest = luck.choice([3, 20, 10_000])
        lines.append(
            line(
                seats,
                *(
                    (who, luck.randint(0, widest), luck.random() < 0.3, luck.randint(0, widest))
                    for who in some
                ),
                critical=luck.random() < 0.4,
                hurry=luck.random() < 0.6,
            )
        )

    assert value_of(lines, seated(lines)) == best(lines)


def test_a_hundred_and_sixty_seats_and_ten_thousand_people_are_filled_at_the_least_cost() -> None:
    luck = np.random.default_rng(20261118)
    costs = luck.integers(0, 10_000_000, size=(20, 10_000))
    benches = [bench(line(8, *((who, int(cost), NEAR) for who, cost in enumerate(row)))) for row in costs]

    seating = seat(benches)

    # With so many to choose from, every bench can have its eight cheapest unless two want the same one.
    sitting = [who for one in seating for who in one]
    assert len(set(sitting)) == 160
    floor = sum(int(np.sort(row)[:8].sum()) for row in costs)
    total = sum(int(costs[at, who]) for at, one in enumerate(seating) for who in one)
    assert floor <= total < floor * 1.05


def test_with_so_many_the_last_to_arrive_is_as_soon_as_can_be() -> None:
    luck = np.random.default_rng(20261119)
    minutes = luck.integers(0, 100_000, size=(5, 300))
    lines = [
        line(8, *((who, int(m), NEAR, int(m)) for who, m in enumerate(row)), hurry=True) for row in minutes
    ]

    worst = value_of(lines, seated(lines)).worst_arrival

    # Forty seats: with everybody of that moment it can be done, with one step less it cannot.
    def can_be_done_by(latest: int) -> bool:
        left = [
            Line(one.seats, 1, False, tuple(s for s in one.sitters if s.arrival <= latest)) for one in lines
        ]
        return value_of(left, seated(left)).worth == 40

    assert can_be_done_by(worst)
    assert not can_be_done_by(worst - 1)
