"""What matching looked at, written down so that the same answer can be worked out again years later.

Pure. A pool becomes plain values for a JSON document and comes back the same, column by column; needs and
weights too. Where it is kept is up to `recommendations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

import numpy as np

from coordination.matching import columns
from coordination.matching.columns import Names
from coordination.matching.facts import Spans, Tags
from coordination.matching.needs import KnownDrive, Need, Requirement, Situation, Vocabulary
from coordination.matching.pool import Pool, Promise, places_of
from coordination.matching.scoring import Weights
from coordination.paging import InviteeKind, Mode
from ground.places import Point, TravelTimeBasis
from ground.terms import Words

# Worked out from other columns, so not written.
_FOUND_AGAIN = frozenset({"row_of", "places_km", "standing"})


def written_pool(pool: Pool) -> dict[str, Any]:
    """Return a pool as plain values."""
    return {
        one.name: _written(getattr(pool, one.name)) for one in fields(pool) if one.name not in _FOUND_AGAIN
    }


def read_pool(said: Mapping[str, Any]) -> Pool:
    """Return the pool that `written_pool` wrote."""
    read = {name: _read(value) for name, value in said.items()}
    read["kind"] = InviteeKind(read["kind"])
    read["names"] = Names(read["names"])
    places_km = places_of(read["latitudes"], read["longitudes"])
    return Pool(**read, row_of=columns.row_of(read["ids"].tolist()), places_km=places_km)


def written_vocabulary(vocabulary: Vocabulary) -> dict[str, Any]:
    return {one.name: _written(getattr(vocabulary, one.name)) for one in fields(vocabulary)}


def read_vocabulary(said: Mapping[str, Any]) -> Vocabulary:
    return Vocabulary(**{name: _read(value) for name, value in said.items()})


def read_need(said: Mapping[str, Any]) -> Need:
    """Return the need that `Need.to_dict` wrote."""
    return Need(
        situation=Situation(said["situation"]),
        requirements=tuple(_requirement(one) for one in said["requirements"]),
        at=datetime.fromisoformat(said["at"]),
        on=date.fromisoformat(said["on"]),
        until=date.fromisoformat(said["until"]) if said["until"] else None,
        place=Point(*said["place"]) if said["place"] else None,
        enterprise_id=said["enterprise_id"],
        site_id=said["site_id"],
        incident_kind=said["incident_kind"],
        task_category=said["task_category"],
        already_asked=frozenset((InviteeKind(kind), id_) for kind, id_ in said["already_asked"]),
        severity=said["severity"],
        label=said["label"],
        unit=said["unit"],
        by_lot=said["by_lot"],
        drives=tuple(
            KnownDrive(InviteeKind(kind), id_, minutes, TravelTimeBasis(basis))
            for kind, id_, minutes, basis in said["drives"]
        ),
    )


def _requirement(said: Mapping[str, Any]) -> Requirement:
    return Requirement(**{**said, "kind": InviteeKind(said["kind"]), "mode": Mode(said["mode"])})


def read_weights(said: Mapping[str, Any]) -> Weights:
    return Weights(**said)


# --- one value ------------------------------------------------------------------------------------
# Plain values stand for themselves; what JSON does not know is an object with one key that names it.


def _written(value: Any) -> Any:
    match value:
        case np.ndarray():
            # Not a number is no JSON; an unknown place is written as nothing.
            numbers = [None if one != one else one for one in value.tolist()]
            return {"array": [value.dtype.str, numbers]}
        case Tags():
            return {"tags": [[row, code] for code in value.all_codes() for row in value.rows(code).tolist()]}
        case Spans():
            return {"spans": [[_written(part) for part in line] for line in value.lines()]}
        case Words():
            return {"words": [value.zh, value.en]}
        case Promise():
            return {"promise": asdict(value)}
        case Mapping():
            return {"map": {key: _written(inner) for key, inner in value.items()}}
        case list() | tuple() | Names():
            return {"list": [_written(inner) for inner in value]}
        case _:
            return value


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((name, inner),) = value.items()
    match name:
        case "array":
            dtype, numbers = inner
            return np.asarray([np.nan if one is None else one for one in numbers], dtype=np.dtype(dtype))
        case "tags":
            return Tags((row, code) for row, code in inner)
        case "spans":
            return Spans((row, key, start, end, _read(fact)) for row, key, start, end, fact in inner)
        case "words":
            return Words(*inner)
        case "promise":
            sites = tuple((id_, called) for id_, called in inner["sites"])
            return Promise(**{**inner, "sites": sites, "kinds": tuple(inner["kinds"])})
        case "map":
            return {key: _read(one) for key, one in inner.items()}
        case "list":
            return tuple(_read(one) for one in inner)
        case _:
            raise ValueError(f"a written value of an unknown kind: {name}")
