"""Where a right holds: everywhere, or in the regions to which the role is bound."""

from __future__ import annotations

from ground import gazetteer
from ground.access import GRANTS, Permission, Role, reach

TANGSHAN, CAOFEIDIAN, QINHUANGDAO, BAODING, DINGZHOU, HEBEI = (
    "130200",
    "130209",
    "130300",
    "130600",
    "130682",
    "130000",
)


def test_a_city_includes_its_districts_and_counties_and_nobody_else_s():
    inside = gazetteer.within(TANGSHAN)

    assert {TANGSHAN, CAOFEIDIAN} <= inside
    assert not inside & {QINHUANGDAO, HEBEI}


def test_a_county_is_only_itself_and_the_province_is_all():
    assert gazetteer.within(CAOFEIDIAN) == {CAOFEIDIAN}
    assert gazetteer.within(HEBEI) == {region.code for region in gazetteer.rows()}


def test_baoding_does_not_include_dingzhou_which_answers_to_the_province():
    assert DINGZHOU not in gazetteer.within(BAODING)
    assert gazetteer.within(DINGZHOU) == {DINGZHOU}


def test_an_officer_of_tangshan_reaches_tangshan_and_nothing_without_a_region():
    here = reach([(Role.DUTY_OFFICER, TANGSHAN)], Permission.READ_INCIDENTS)

    assert here and not here.everywhere
    assert here.covers(CAOFEIDIAN)
    assert not here.covers(QINHUANGDAO)
    assert not here.covers(None)


def test_a_role_without_a_region_reaches_everything_even_beside_one_that_is_bound():
    both = [(Role.DUTY_OFFICER, TANGSHAN), (Role.AUDITOR, None)]

    assert reach(both, Permission.READ_INCIDENTS).everywhere
    assert reach(both, Permission.READ_INCIDENTS).covers(None)
    # The auditor changes nothing, so the right to handle stays where the officer has it.
    assert not reach(both, Permission.HANDLE_INCIDENTS).covers(QINHUANGDAO)


def test_two_cities_are_reached_by_two_grants():
    here = reach([(Role.LEADER, TANGSHAN), (Role.LEADER, QINHUANGDAO)], Permission.READ_ROSTER)

    assert here.covers(CAOFEIDIAN) and here.covers(QINHUANGDAO)
    assert not here.covers(BAODING)


def test_a_right_that_no_role_carries_is_had_nowhere():
    for role, carried in GRANTS.items():
        for permission in Permission:
            assert bool(reach([(role, None)], permission)) is (permission in carried)
    assert not reach([], Permission.READ_ROSTER)
