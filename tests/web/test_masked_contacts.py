"""Who may not reveal contacts finds no whole number and no whole address on any page of a person or a party."""

from __future__ import annotations

import pytest
from django.test import Client

from ground.access import Role
from tests.factories import a_team, a_user, an_enterprise, an_expert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.mark.parametrize("role", [Role.LEADER, Role.AUDITOR])
def test_numbers_and_addresses_are_masked_for_those_who_only_read(client: Client, role: Role):
    li = an_expert("李工", mobile="+8613912345678", email="ligong@example.cn")
    team = a_team("曹妃甸救援队")
    firm = an_enterprise("冀润冷链公司")
    client.force_login(a_user("reader", role))

    pages = [
        client.get(f"/{part}/{one.public_id}/").content.decode()
        for part, one in (("experts", li), ("teams", team), ("enterprises", firm))
    ]

    assert "139****5678" in pages[0]
    assert "l****@example.cn" in pages[0]
    assert "t****@example.cn" in pages[1]
    for owner in (li, team, firm):
        for contact in owner.contacts.all():
            whole = contact.value.removeprefix("+86")
            assert not any(whole in page for page in pages)
