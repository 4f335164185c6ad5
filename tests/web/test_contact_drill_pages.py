"""The pages of the contact drill: the officer's, and the one behind the link."""

from __future__ import annotations

import pytest

from coordination import contact_drills, links
from coordination.models import ContactCheck, ContactDrill
from ground.access import Role
from tests.factories import OFFICER, a_duty_officer, a_user, an_expert
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def duty(client, the_clock):
    client.force_login(a_duty_officer())
    return client


@pytest.fixture
def li():
    return an_expert("李工", mobile="+8613900000001")


def path_of(check: ContactCheck) -> str:
    return f"/c/{links.check_address(check).rstrip('/').rsplit('/', 1)[-1]}/"


def test_an_officer_starts_a_drill_and_sees_who_answered(duty, li, the_clock):
    answer = duty.post("/contact-drills/start/", {"minutes": "120"}, follow=True)
    assert "联络测试已开始" in answer.content.decode()
    assert "待答 1" in answer.content.decode()

    the_clock.move(minutes(4))
    contact_drills.confirm(ContactCheck.objects.get(), source="link", at=the_clock())
    page = duty.get("/contact-drills/").content.decode()
    assert "已答复 1" in page
    assert "139****0001" in page
    assert "+8613900000001" not in page


def test_a_window_that_nobody_offered_is_refused_in_words(duty, li):
    answer = duty.post("/contact-drills/start/", {"minutes": "99999999999"}, follow=True)
    assert "请选择列出的答复时限" in answer.content.decode()
    assert not ContactDrill.objects.exists()


def test_an_officer_of_one_city_sees_no_drill_and_starts_none(client, li, the_clock):
    client.force_login(a_user("tangshan", Role.DUTY_OFFICER, region="130200"))
    drill = contact_drills.start(by=OFFICER, at=NOON)
    assert client.get(f"/contact-drills/{drill.public_id}/").status_code == 404
    assert client.post("/contact-drills/start/", {"minutes": "120"}).status_code == 404
    assert "李工" not in client.get("/contact-drills/").content.decode()


def test_looking_at_the_link_changes_nothing_and_the_button_confirms(client, li, the_clock):
    contact_drills.start(by=OFFICER, at=NOON)
    path = path_of(ContactCheck.objects.get())
    for _ in range(2):
        assert "我已收到" in client.get(path).content.decode()
    assert ContactCheck.objects.get().answered_at is None

    answer = client.post(path, follow=True)
    assert "已确认，感谢" in answer.content.decode()
    assert ContactCheck.objects.get().answered_at == NOON
    client.post(path)
    assert "我已收到" not in client.get(path).content.decode()


def test_a_wrong_link_and_an_old_one_are_answered_in_words(client, li, the_clock):
    contact_drills.start(by=OFFICER, at=NOON)
    path = path_of(ContactCheck.objects.get())
    assert client.get("/c/AAAAAAAAAAAAAAAAAAAAAA/").status_code == 404
    the_clock.move(links.VALID_FOR)
    assert client.get(path).status_code == 410
