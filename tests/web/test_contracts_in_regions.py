"""An admin of one city: its enterprises, its teams, and every agreement that one of them is a party to."""

from __future__ import annotations

import pytest
from django.test import Client

from contracts.models import Agreement, Enterprise, Interest, InterestKind, Site
from ground.access import Role
from ground.models import AuditEntry
from tests.factories import a_team, a_user, an_agreement, an_enterprise, an_expert
from tests.moments import TODAY
from tests.region_cast import (
    CAOFEIDIAN,
    QINHUANGDAO,
    TANGSHAN,
    admin_of_tangshan,
    firm_in_qinhuangdao,
    firm_in_tangshan,
    shown,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(admin_of_tangshan())
    return client


@pytest.fixture
def here() -> Enterprise:
    return firm_in_tangshan()


@pytest.fixture
def there() -> Enterprise:
    return firm_in_qinhuangdao()


def test_the_registers_hold_what_lies_there(admin, here, there):
    a_team("唐山危化队", region=TANGSHAN)
    a_team("秦皇岛危化队", region=QINHUANGDAO)

    enterprises, teams = shown(admin, "/enterprises/"), shown(admin, "/teams/")

    assert "冀润冷链公司" in enterprises and "渤海化工" not in enterprises
    assert "唐山危化队" in teams and "秦皇岛危化队" not in teams


def test_an_enterprise_seated_elsewhere_is_read_where_it_has_a_site_but_kept_at_its_seat(admin, there):
    Site.objects.create(
        enterprise=there, name="曹妃甸罐区", industry=there.industry, region_id=CAOFEIDIAN, address="港区"
    )

    page = shown(admin, f"/enterprises/{there.public_id}/")

    assert "曹妃甸罐区" in page
    assert f"/enterprises/{there.public_id}/edit/" not in page
    assert admin.post(f"/enterprises/{there.public_id}/edit/").status_code == 404
    assert admin.post(f"/enterprises/{there.public_id}/contacts/", {"reason": "事故联络"}).status_code == 200


def test_an_agreement_belongs_to_both_sides_regions(admin, here, there):
    outside = a_team("秦皇岛危化队", region=QINHUANGDAO)
    ours, theirs = an_agreement(here, outside), an_agreement(there, outside)

    listed = shown(admin, "/agreements/")

    assert ours.number in listed and theirs.number not in listed
    assert shown(admin, f"/agreements/{ours.public_id}/")
    for step in ("", "edit/", "confirm/", "terminate/", "renew/"):
        assert admin.get(f"/agreements/{theirs.public_id}/{step}").status_code == 404, step


def test_a_party_out_of_reach_is_named_without_a_link_that_leads_nowhere(admin, here):
    outside = a_team("秦皇岛危化队", region=QINHUANGDAO)
    agreement = an_agreement(here, outside)
    assert admin.get(f"/teams/{outside.public_id}/").status_code == 404

    for path in (f"/agreements/{agreement.public_id}/", f"/enterprises/{here.public_id}/"):
        page = shown(admin, path)
        assert "秦皇岛危化队" in page
        assert f"/teams/{outside.public_id}/" not in page


def test_a_firm_out_of_reach_is_named_on_our_team_s_pages_without_a_link(admin, there):
    ours = a_team("唐山危化队", region=TANGSHAN, owner=there)
    agreement = an_agreement(there, ours)
    assert admin.get(f"/enterprises/{there.public_id}/").status_code == 404

    for path in (f"/agreements/{agreement.public_id}/", f"/teams/{ours.public_id}/"):
        page = shown(admin, path)
        assert "渤海化工" in page
        assert f"/enterprises/{there.public_id}/" not in page


def test_a_firm_that_is_read_through_its_site_here_is_named_with_a_link(admin, there):
    Site.objects.create(enterprise=there, name="曹妃甸罐区", industry=there.industry, region_id=CAOFEIDIAN)
    ours = a_team("唐山危化队", region=TANGSHAN, owner=there)
    agreement = an_agreement(there, ours)
    assert admin.get(f"/enterprises/{there.public_id}/").status_code == 200

    for path in (f"/agreements/{agreement.public_id}/", f"/teams/{ours.public_id}/"):
        assert f'<a href="/enterprises/{there.public_id}/">渤海化工</a>' in shown(admin, path)


@pytest.mark.parametrize("path", ["/enterprises/", "/teams/", "/agreements/"])
def test_no_city_is_offered_that_is_out_of_reach(admin, client, path):
    bound = shown(admin, path)
    client.force_login(a_user("zhou", Role.ROSTER_ADMIN, name="周全"))
    unbound = shown(client, path)

    assert '<option value="130200">' in bound and '<option value="130300">' not in bound
    assert '<option value="130200">' in unbound and '<option value="130300">' in unbound


def test_the_city_s_own_name_narrows_nothing_away_from_who_is_bound_to_it(admin, here, there):
    Site.objects.create(enterprise=there, name="曹妃甸罐区", industry=there.industry, region_id=CAOFEIDIAN)
    agreement = an_agreement(an_enterprise("秦港煤运", region=QINHUANGDAO), a_team("唐山危化队"))

    firms = shown(admin, f"/enterprises/?region={TANGSHAN}")
    agreements = shown(admin, f"/agreements/?region={TANGSHAN}")

    assert "冀润冷链公司" in firms and "渤海化工" in firms
    assert agreement.number in agreements


def terms(enterprise: Enterprise, team: str) -> dict[str, str]:
    return {
        **{"enterprise": enterprise.name, "team": team, "kind": "rescue"},
        **{"starts_on": "2026-12-01", "ends_on": "2028-11-30"},
    }


def test_an_agreement_is_drafted_where_one_side_is_one_s_own(admin, here, there):
    a_team("唐山危化队", region=TANGSHAN)
    a_team("秦皇岛危化队", region=QINHUANGDAO)

    foreign = admin.post("/agreements/new/", terms(there, "秦皇岛危化队"))
    with_our_team = admin.post("/agreements/new/", terms(there, "唐山危化队"))
    with_our_firm = admin.post("/agreements/new/", terms(here, "秦皇岛危化队"))

    assert "您的角色限于唐山市，不能登记在秦皇岛市" in foreign.content.decode()
    assert (with_our_team.status_code, with_our_firm.status_code) == (302, 302)
    assert Agreement.objects.count() == 2


def test_an_enterprise_is_registered_and_kept_within_the_city(admin, here):
    form = {"name": "演示新厂", "industry": "WH", "region": "秦皇岛市"}

    registered = admin.post("/enterprises/new/", form)
    moved = admin.post(f"/enterprises/{here.public_id}/edit/", {**form, "name": here.name})
    site = admin.post(f"/enterprises/{here.public_id}/sites/new/", {**form, "name": "新罐区"})

    for answer in (registered, moved, site):
        assert "不能登记在秦皇岛市" in answer.content.decode()
    assert Enterprise.objects.get().region_id == CAOFEIDIAN
    assert Site.objects.count() == 1
    assert admin.post("/enterprises/new/", {**form, "region": "唐山市"}).status_code == 302


def test_numbers_of_another_city_are_shown_to_nobody_here(client, there):
    team = a_team("秦皇岛危化队", region=QINHUANGDAO)
    client.force_login(a_user("wangning", Role.DUTY_OFFICER, region=TANGSHAN))

    assert client.post(f"/enterprises/{there.public_id}/contacts/", {"reason": "x"}).status_code == 404
    assert client.post(f"/teams/{team.public_id}/contacts/", {"reason": "x"}).status_code == 404
    assert not AuditEntry.objects.filter(action="contacts.reveal").exists()


def test_who_reads_everywhere_but_keeps_one_city_is_offered_no_buttons_elsewhere(client, there):
    both = a_user("sun", Role.ROSTER_ADMIN, region=TANGSHAN)
    both.grants.create(role=Role.AUDITOR)
    outside = a_team("秦皇岛危化队", region=QINHUANGDAO)
    agreement = an_agreement(there, outside, confirmed=False)
    client.force_login(both)

    enterprise = shown(client, f"/enterprises/{there.public_id}/")
    team = shown(client, f"/teams/{outside.public_id}/")
    page = shown(client, f"/agreements/{agreement.public_id}/")

    assert "/edit/" not in enterprise and "/contacts/" not in enterprise
    assert "/contacts/" not in team
    assert "/confirm/" not in page and "/terminate/" not in page
    assert client.post(f"/agreements/{agreement.public_id}/confirm/").status_code == 404
    assert agreement.starts_on <= TODAY


def test_that_an_expert_of_elsewhere_is_tied_to_a_firm_is_said_but_not_how(admin, here):
    for name, region in (("李工", TANGSHAN), ("赵工", QINHUANGDAO)):
        expert = an_expert(name, region=region)
        Interest.objects.create(
            expert=expert, enterprise=here, kind=InterestKind.RELATIVE, details=f"{name}的配偶"
        )

    page = shown(admin, f"/enterprises/{here.public_id}/")

    assert "李工的配偶" in page
    assert "赵工" in page and "赵工的配偶" not in page
    assert page.count(InterestKind.RELATIVE.zh) == 2


def test_counts_beside_the_tabs_are_those_of_the_city(admin, here, there):
    outside = a_team("秦皇岛危化队", region=QINHUANGDAO)
    an_agreement(here, outside)
    an_agreement(there, outside)

    page = shown(admin, "/agreements/")

    assert page.count('<span class="num">1</span>') == 2  # all of them, and those in force
    assert '<span class="num">2</span>' not in page


def test_a_firm_without_a_region_is_the_province_s_and_none_is_made_without_one(admin, here):
    Enterprise.objects.filter(pk=here.pk).update(region=None)
    Site.objects.filter(enterprise=here).update(region=None)

    answer = admin.post("/enterprises/new/", {"name": "演示新厂", "industry": "WH", "region": ""})

    assert admin.get(f"/enterprises/{here.public_id}/").status_code == 404
    assert "必须写明所辖的市县" in answer.content.decode()
    assert Enterprise.objects.count() == 1


def test_an_agreement_between_others_is_not_changed_by_posting_to_its_address(admin, there):
    theirs = an_agreement(there, a_team("秦皇岛危化队", region=QINHUANGDAO), confirmed=False)
    before = Agreement.objects.filter(pk=theirs.pk).values().get()

    for step, said in (
        ("edit/", {"kind": "mutual", "starts_on": "2026-12-01", "ends_on": "2028-11-30"}),
        ("confirm/", {"party": "team", "signatory": "孙静怡"}),
        ("terminate/", {"on": "2026-12-01", "reason": "试"}),
        ("renew/", {"until": "2029-12-31"}),
    ):
        assert admin.post(f"/agreements/{theirs.public_id}/{step}", said).status_code == 404, step

    assert Agreement.objects.filter(pk=theirs.pk).values().get() == before
    assert not theirs.consents.exists()
    assert Agreement.objects.count() == 1
