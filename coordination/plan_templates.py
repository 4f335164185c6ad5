"""The response plans that ship, for the common kinds of incident.

Pure data. They are our own reconstruction of what such incidents usually need, not an official standard, and
are labelled so wherever they are shown; a centre edits them to fit its own emergency plans. To change one,
change it here and write a data migration: what has been edited must stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from coordination.paging import InviteeKind, Mode
from coordination.response_plans import PlanLine, Trade
from ground.terms import Term, Words
from incidents.levels import AccidentLevel


class Source(Term):
    """Where a plan comes from, as it is labelled wherever it is shown."""

    TEMPLATE = "template", "推荐模板", "recommended template"
    EDITED = "edited", "由推荐模板修改", "edited from the template"
    OWN = "own", "本单位编制", "made here"


DISCLAIMER: Final = Words(
    "推荐模板是本系统按事故类型整理的建议，不是官方标准。请对照本地预案修改后使用。",
    "The recommended templates are this system's own proposals by kind of accident, not an official standard. "
    "Edit them to fit your own emergency plans.",
)


@dataclass(frozen=True, slots=True)
class Template:
    """The plan that ships for a kind; with `industry` for incidents of that kind in that industry alone."""

    kind: str
    lines: tuple[PlanLine, ...]
    industry: str = ""


_HERE, _ANY = Trade.OF_INCIDENT, Trade.ANY
_MAJOR, _SERIOUS, _EXTREME = AccidentLevel.MAJOR, AccidentLevel.SERIOUS, AccidentLevel.EXTREME


def _expert(
    specialty: str,
    seats: int = 1,
    from_level: AccidentLevel = AccidentLevel.ORDINARY,
    *,
    of: str = _HERE,
    remote: bool = False,
    critical: bool = False,
) -> PlanLine:
    return PlanLine(
        kind=InviteeKind.EXPERT,
        seats=seats,
        from_level=from_level,
        mode=Mode.REMOTE if remote else Mode.ONSITE,
        industry=of,
        specialty=specialty,
        critical=critical,
    )


def _team(
    capability: str,
    seats: int = 1,
    from_level: AccidentLevel = AccidentLevel.ORDINARY,
    *,
    of: str = _HERE,
    critical: bool = False,
) -> PlanLine:
    return PlanLine(
        kind=InviteeKind.TEAM,
        seats=seats,
        from_level=from_level,
        industry=of,
        capability=capability,
        critical=critical,
    )


# Bad air below ground is no work for a hazchem team, whatever the kind is called.
_POISONED_UNDERGROUND = (
    _expert("mine_ventilation", critical=True),
    _expert("mine_rescue"),
    _expert("medicine", of=_ANY, remote=True),
    _team("underground_search", critical=True),
    _team("poisoning_care", of=_ANY),
    _team("underground_search", 1, _MAJOR),
    _team("mine_ventilation", 1, _MAJOR),
    _expert("mine_ventilation", 1, _SERIOUS),
    _team("underground_search", 1, _SERIOUS),
    _team("underground_search", 2, _EXTREME),
    _team("poisoning_care", 1, _EXTREME, of=_ANY),
)

TEMPLATES: Final[tuple[Template, ...]] = (
    # Below ground nobody goes in alone: one team works, another stands by.
    Template(
        "gas_explosion",
        (
            _expert("mine_ventilation", 2, critical=True),
            _team("underground_search", 2, critical=True),
            _expert("mine_rescue", 1, _MAJOR),
            _team("underground_search", 1, _MAJOR),
            _team("poisoning_care", 1, _MAJOR, of=_ANY),
            _expert("mine_ventilation", 1, _SERIOUS),
            _expert("medicine", 1, _SERIOUS, of=_ANY, remote=True),
            _team("underground_search", 2, _SERIOUS),
            _expert("mine_rescue", 1, _EXTREME),
            _team("underground_search", 2, _EXTREME),
            _team("patient_transport", 1, _EXTREME, of=_ANY),
        ),
    ),
    Template(
        "mine_fire",
        (
            _expert("mine_ventilation", 2, critical=True),
            _team("underground_fire", 2, critical=True),
            _expert("mine_rescue", 1, _MAJOR),
            _team("underground_search", 1, _MAJOR),
            _team("poisoning_care", 1, _MAJOR, of=_ANY),
            _expert("mine_ventilation", 1, _SERIOUS),
            _expert("fire", 1, _SERIOUS, of=_ANY),
            _team("underground_fire", 1, _SERIOUS),
            _team("underground_search", 2, _EXTREME),
            _team("patient_transport", 1, _EXTREME, of=_ANY),
        ),
    ),
    Template(
        "roof_fall",
        (
            _expert("roof_control", 2, critical=True),
            _team("underground_search", 1, critical=True),
            _expert("mine_rescue", 1, _MAJOR),
            _team("roof_support", 1, _MAJOR),
            _team("first_aid", 1, _MAJOR, of=_ANY),
            _expert("roof_control", 1, _SERIOUS),
            _team("underground_search", 1, _SERIOUS),
            _team("borehole", 1, _SERIOUS, of=_ANY),
            _expert("mine_rescue", 1, _EXTREME),
            _team("underground_search", 2, _EXTREME),
            _team("borehole", 1, _EXTREME, of=_ANY),
        ),
    ),
    Template(
        "water_inrush",
        (
            _expert("mine_water", 2, critical=True),
            _team("drainage", 1, critical=True),
            _team("underground_search", 1),
            _expert("mine_rescue", 1, _MAJOR),
            _team("drainage", 1, _MAJOR),
            _expert("mine_water", 1, _SERIOUS),
            _team("borehole", 1, _SERIOUS, of=_ANY),
            _team("first_aid", 1, _SERIOUS, of=_ANY),
            _expert("mine_rescue", 1, _EXTREME),
            _team("drainage", 1, _EXTREME),
            _team("underground_search", 2, _EXTREME),
        ),
    ),
    Template(
        "hazchem_leak",
        (
            _expert("hazchem_response", 2, critical=True),
            _team("", 1, critical=True),
            _expert("leak_sealing", 1, _MAJOR),
            _expert("environment", 1, _MAJOR, of=_ANY),
            _team("leak_sealing", 1, _MAJOR),
            _expert("hazchem_response", 1, _SERIOUS),
            _team("decontamination", 1, _SERIOUS, of=_ANY),
            _team("poisoning_care", 1, _SERIOUS, of=_ANY),
            _expert("leak_sealing", 1, _EXTREME),
            _team("", 2, _EXTREME),
        ),
    ),
    Template(
        "hazchem_fire",
        (
            _expert("fire", critical=True),
            _expert("process_safety", critical=True),
            _team("foam", 1, critical=True),
            _expert("hazchem_response", 1, _MAJOR),
            _team("foam", 1, _MAJOR),
            _team("poisoning_care", 1, _MAJOR, of=_ANY),
            _expert("environment", 1, _SERIOUS, of=_ANY, remote=True),
            _team("foam", 2, _SERIOUS),
            _team("decontamination", 1, _SERIOUS, of=_ANY),
            _expert("process_safety", 1, _EXTREME),
            _team("foam", 2, _EXTREME),
        ),
    ),
    Template(
        "poisoning",
        (
            _expert("confined_space", critical=True),
            _expert("medicine", of=_ANY, remote=True),
            _team("gas_protection", critical=True),
            _team("poisoning_care", of=_ANY),
            _expert("occupational_health", 1, _MAJOR, of=_ANY),
            _team("gas_protection", 1, _MAJOR),
            _expert("confined_space", 1, _SERIOUS),
            _team("poisoning_care", 1, _SERIOUS, of=_ANY),
            _team("patient_transport", 1, _SERIOUS, of=_ANY),
            _expert("medicine", 1, _EXTREME, of=_ANY, remote=True),
            _team("gas_protection", 1, _EXTREME),
        ),
    ),
    Template("poisoning", _POISONED_UNDERGROUND, industry="MK"),
    Template("poisoning", _POISONED_UNDERGROUND, industry="FM"),
    Template(
        "molten_metal",
        (
            _expert("molten_metal", 2, critical=True),
            _team("", 1, critical=True),
            _expert("special_equipment", 1, _MAJOR, of=_ANY),
            _team("poisoning_care", 1, _MAJOR, of=_ANY),
            _team("breaching", 1, _MAJOR, of=_ANY),
            _expert("structure", 1, _SERIOUS, of=_ANY),
            _team("poisoning_care", 1, _SERIOUS, of=_ANY),
            _team("lifting", 1, _SERIOUS, of=_ANY),
            _expert("molten_metal", 1, _EXTREME),
            _team("", 2, _EXTREME),
        ),
    ),
    Template(
        "furnace_gas",
        (
            _expert("furnace_gas", 2, critical=True),
            _expert("medicine", of=_ANY, remote=True),
            _team("gas_protection", 1, critical=True),
            _team("poisoning_care", of=_ANY),
            _expert("confined_space", 1, _MAJOR, of=_ANY),
            _team("gas_protection", 1, _MAJOR),
            _expert("furnace_gas", 1, _SERIOUS),
            _team("poisoning_care", 1, _SERIOUS, of=_ANY),
            _team("patient_transport", 1, _SERIOUS, of=_ANY),
            _expert("medicine", 1, _EXTREME, of=_ANY, remote=True),
            _team("gas_protection", 2, _EXTREME),
        ),
    ),
    # No dry powder and no hard jet: both raise the dust that explodes the second time.
    Template(
        "dust_explosion",
        (
            _expert("dust_explosion", 2, critical=True),
            _team("", 1, critical=True),
            _expert("structure", 1, _MAJOR, of=_ANY),
            _team("poisoning_care", 1, _MAJOR, of=_ANY),
            _team("breaching", 1, _MAJOR, of=_ANY),
            _expert("fire", 1, _SERIOUS, of=_ANY),
            _team("poisoning_care", 1, _SERIOUS, of=_ANY),
            _team("patient_transport", 1, _SERIOUS, of=_ANY),
            _team("", 2, _EXTREME),
            _team("breaching", 1, _EXTREME, of=_ANY),
        ),
    ),
    # A chemist and somebody who knows tankers, whichever of the two trades the firm is in.
    Template(
        "hazmat_transport",
        (
            _expert("hazchem_response", of="WH", critical=True),
            _expert("hazmat_transport", of="JT", critical=True),
            _team("leak_sealing", of=_ANY, critical=True),
            _team("transfer", of=_ANY),
            _expert("hazchem_response", 1, _MAJOR, of="WH"),
            _team("lifting", 1, _MAJOR, of=_ANY),
            _expert("environment", 1, _SERIOUS, of=_ANY),
            _team("leak_sealing", 1, _SERIOUS, of=_ANY),
            _team("decontamination", 1, _SERIOUS, of=_ANY),
            _team("leak_sealing", 1, _EXTREME, of=_ANY),
            _team("transfer", 1, _EXTREME, of=_ANY),
        ),
    ),
    Template(
        "collapse",
        (
            _expert("structure", 2, critical=True),
            _team("breaching", 1, critical=True),
            _expert("hoisting", 1, _MAJOR, of=_ANY),
            _team("lifting", 1, _MAJOR, of=_ANY),
            _team("first_aid", 1, _MAJOR, of=_ANY),
            _expert("structure", 1, _SERIOUS),
            _team("breaching", 1, _SERIOUS),
            _team("communications", 1, _SERIOUS, of=_ANY),
            _team("breaching", 2, _EXTREME),
            _team("lifting", 1, _EXTREME, of=_ANY),
            _team("first_aid", 1, _EXTREME, of=_ANY),
        ),
    ),
    Template(
        "fireworks",
        (
            _expert("blasting", 2, critical=True),
            _team("", 1, critical=True),
            _expert("fire", 1, _MAJOR, of=_ANY),
            _team("poisoning_care", 1, _MAJOR, of=_ANY),
            _team("drone", 1, _MAJOR, of=_ANY),
            _expert("blasting", 1, _SERIOUS),
            _team("poisoning_care", 1, _SERIOUS, of=_ANY),
            _team("breaching", 1, _SERIOUS, of=_ANY),
            _team("", 2, _EXTREME),
        ),
    ),
    Template(
        "tailings",
        (
            _expert("tailings", 2, critical=True),
            _team("drainage", 1, critical=True),
            _expert("structure", 1, _MAJOR),
            _expert("environment", 1, _MAJOR, of=_ANY),
            _team("boats", 1, _MAJOR, of=_ANY),
            _expert("tailings", 1, _SERIOUS),
            _expert("meteorology", 1, _SERIOUS, of=_ANY, remote=True),
            _team("drainage", 1, _SERIOUS),
            _team("environment", 1, _SERIOUS, of=_ANY),
            _team("drainage", 2, _EXTREME),
            _team("boats", 1, _EXTREME, of=_ANY),
        ),
    ),
    Template(
        "pipeline_leak",
        (
            _expert("pipeline", 2, critical=True),
            _team("pipeline_repair", 1, critical=True),
            _expert("leak_sealing", 1, _MAJOR),
            _expert("environment", 1, _MAJOR, of=_ANY),
            _team("foam", 1, _MAJOR, of=_ANY),
            _expert("pipeline", 1, _SERIOUS),
            _team("pipeline_repair", 1, _SERIOUS),
            _team("cordon", 1, _SERIOUS, of=_ANY),
            _team("pipeline_repair", 1, _EXTREME),
            _team("foam", 2, _EXTREME, of=_ANY),
        ),
    ),
    Template(
        "ammonia_leak",
        (
            _expert("ammonia", 2, critical=True),
            _team("", 1, critical=True),
            _expert("hazchem_response", 1, _MAJOR, of="WH"),
            _team("leak_sealing", 1, _MAJOR, of=_ANY),
            _team("poisoning_care", 1, _MAJOR, of=_ANY),
            _expert("environment", 1, _SERIOUS, of=_ANY, remote=True),
            _team("decontamination", 1, _SERIOUS, of=_ANY),
            _expert("ammonia", 1, _EXTREME),
            _team("", 2, _EXTREME),
        ),
    ),
)

_BY_KEY: Final = {(one.kind, one.industry): one for one in TEMPLATES}


def template_for(kind: str, industry: str = "") -> Template | None:
    """Return the template of exactly this kind and industry ("": of the kind in any); None if none ships."""
    return _BY_KEY.get((kind, industry))


def source_of(kind: str, industry: str = "", *, is_changed: bool) -> Source:
    """Return where a plan comes from: one for which no template ships was made here."""
    if template_for(kind, industry) is None:
        return Source.OWN
    return Source.EDITED if is_changed else Source.TEMPLATE
