"""The register of enterprises: what is taken down is checked, spelt and said to the audit."""

from __future__ import annotations

import pytest

from contracts import enterprises
from contracts.enterprises import Particulars, Whereabouts
from contracts.models import Enterprise, UnitSize
from contracts.uscc import WrongUscc
from ground.audit import Actor
from ground.models import AuditEntry, Region
from ground.places import Point
from tests.factories import an_enterprise, industry
from tests.moments import NOON

pytestmark = pytest.mark.django_db

SUN = Actor(None, "孙静怡")
CODE = "91350100M000100Y43"


def particulars(**said) -> Particulars:
    return Particulars(**{"name": "冀润冷链有限公司", "uscc": CODE, "industry": industry("WH"), **said})


def register(**said) -> Enterprise:
    return enterprises.register(particulars(**said), by=SUN, at=NOON)


def test_an_enterprise_is_found_by_its_initials_after_registering():
    firm = register(unit_size=UnitSize.SMALL)

    assert list(Enterprise.objects.found_by("jrll")) == [firm]
    assert firm.pinyin == "jirunlenglianyouxiangongsi"
    assert AuditEntry.objects.get().action == "enterprise.register"


def test_a_code_is_kept_as_the_standard_writes_it():
    assert register(uscc=" 9135 0100 m000 100y 43 ").uscc == CODE


def test_a_miscopied_code_is_refused_with_the_character_it_should_end_in():
    with pytest.raises(WrongUscc, match="末位应为 3"):
        register(uscc="91350100M000100Y44")
    assert not Enterprise.objects.exists()


def test_a_code_may_still_be_missing():
    first = register(uscc="")
    second = register(uscc="", name="另一公司")

    assert (first.uscc, second.uscc) == ("", "")


def test_a_code_is_registered_once():
    register()

    with pytest.raises(enterprises.AlreadyRegistered, match="已登记为“冀润冷链有限公司”"):
        register(name="别家公司")


def test_a_name_is_registered_once():
    register()

    with pytest.raises(enterprises.AlreadyRegistered, match="已在企业名录中"):
        register(uscc="")


def test_a_name_must_be_given():
    with pytest.raises(enterprises.NameMissing):
        register(name="  ")


def test_a_region_alone_stands_for_its_seat_and_says_so():
    caofeidian = Region.objects.get(pk="130209")

    firm = register(where=Whereabouts(region=caofeidian))

    assert (firm.latitude, firm.longitude) == (caofeidian.latitude, caofeidian.longitude)
    assert firm.precision == "county"


def test_exact_coordinates_are_kept():
    firm = register(where=Whereabouts(point=Point(39.2731, 118.4602)))

    assert (firm.latitude, firm.longitude, firm.precision) == (39.2731, 118.4602, "exact")


def test_a_new_name_is_spelt_anew_and_the_audit_holds_both():
    firm = register()

    changed = enterprises.change(firm, particulars(name="海润冷链有限公司"), by=SUN, at=NOON)

    firm.refresh_from_db()
    assert set(changed) == {"name", "pinyin", "initials"}
    assert firm.initials == "hrllyxgs"
    details = AuditEntry.objects.get(action="enterprise.change").details
    assert (details["before"]["name"], details["after"]["name"]) == ("冀润冷链有限公司", "海润冷链有限公司")


def test_saying_the_same_again_changes_nothing():
    firm = register()

    assert enterprises.change(firm, particulars(), by=SUN, at=NOON) == []
    assert not AuditEntry.objects.filter(action="enterprise.change").exists()


def test_a_site_is_added_once_by_its_name():
    firm = an_enterprise("冀润冷链公司")

    site = enterprises.add_site(
        firm,
        name="二厂区",
        industry=industry("QG"),
        hazards="液氨",
        where=Whereabouts(point=Point(39.3, 118.4)),
        by=SUN,
        at=NOON,
    )

    assert (site.name, site.latitude) == ("二厂区", 39.3)
    with pytest.raises(enterprises.AlreadyRegistered, match="已有名为“二厂区”的厂区"):
        enterprises.add_site(
            firm, name="二厂区", industry=industry("QG"), where=Whereabouts(), by=SUN, at=NOON
        )
