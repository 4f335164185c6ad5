"""How likely each candidate of a draw is to be drawn, as it is shown beside their name.

Pure. The draw itself does not need it: `draw` compares lots, and this says what that amounts to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import comb, exp, inf
from typing import Final

from scipy.integrate import quad

from coordination.matching.draw import Candidate

# Far finer than the tenth of a percent that is shown.
_TOLERANCE: Final = 1e-7


def chances(candidates: Iterable[Candidate], *, seats: int) -> dict[str, float]:
    """Return for each id the chance, from 0 to 1, to be among the first `seats`.

    Those of a near trade share the seats that the trade leaves empty.
    """
    everybody = list(candidates)
    found: dict[str, float] = {}
    left = max(0, seats)
    for near in (False, True):
        group = [one for one in everybody if one.is_near is near]
        by_load = _by_load(Counter(one.load for one in group), left)
        found |= {one.id: by_load[one.load] for one in group}
        left = max(0, left - len(group))
    return found


def _by_load(count_of: Counter[int], seats: int) -> dict[int, float]:
    """Return the chance of one candidate of each load.

    A lot u^(1 + load) is highest where a clock that rings at rate 1 ÷ (1 + load) rings first, so somebody
    is drawn when fewer than `seats` of the others ring before them: an integral over the moment they ring.
    """
    if seats >= count_of.total():
        return dict.fromkeys(count_of, 1.0)
    if seats == 0:
        return dict.fromkeys(count_of, 0.0)
    rate_of_all = sum(count / (1 + load) for load, count in count_of.items())
    scale = seats / rate_of_all  # about when the last seat is taken

    def chance(load: int) -> float:
        others = count_of - Counter({load: 1})
        rate = 1 / (1 + load)

        def density(moment: float) -> float:
            t = moment * scale
            return rate * scale * exp(-rate * t) * _fewer_than(seats, others, t)

        return float(quad(density, 0, inf, epsabs=_TOLERANCE, limit=200)[0])

    return {load: chance(load) for load in count_of}


def _fewer_than(seats: int, others: Counter[int], t: float) -> float:
    """Return the probability that fewer than `seats` of the others have rung by `t`."""
    rung = [1.0] + [0.0] * (seats - 1)  # by how many of them
    for load, count in others.items():
        p = 1 - exp(-t / (1 + load))
        of_these = [comb(count, j) * p**j * (1 - p) ** (count - j) for j in range(min(seats, count + 1))]
        rung = [
            sum(rung[total - j] * chance for j, chance in enumerate(of_these) if j <= total)
            for total in range(seats)
        ]
    return sum(rung)
