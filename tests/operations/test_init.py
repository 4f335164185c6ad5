"""How a real centre begins: once, with an admin, and never on top of a demo."""

from __future__ import annotations

import builtins

import pytest
from django.core.management import CommandError, call_command

from contracts.models import Enterprise
from ground import installation
from ground.access import Role
from ground.models import Mode, User
from tests.moments import NOON

pytestmark = pytest.mark.django_db

ANSWERS = {
    "username": "gao",
    "name": "高洁",
    "email": "gao@example.cn",
    "region": "130200",
    "sender_name": "唐山市应急管理局",
    "duty_phone": "0315-2801234",
}


@pytest.fixture(autouse=True)
def live(settings, monkeypatch):
    settings.MUSTER_MODE = "live"
    settings.MUSTER_SENDER_NAME = settings.MUSTER_DUTY_PHONE = ""
    monkeypatch.setenv("MUSTER_ADMIN_PASSWORD", "a-Long-enough-1")
    monkeypatch.delenv("MUSTER_DUTY_PASSWORD", raising=False)


def init(**answers):
    call_command("init", **{"asks": False, **ANSWERS, **answers})


def test_a_centre_begins_with_one_admin_and_no_demo_data():
    init()

    begun = installation.check(Mode.LIVE)
    assert (begun.sender_name, begun.duty_phone, begun.region.name) == (
        "唐山市应急管理局",
        "0315-2801234",
        "唐山市",
    )
    gao = User.objects.get()
    assert gao.roles() == {Role.SYSTEM_ADMIN}
    assert gao.check_password("a-Long-enough-1")
    assert not Enterprise.objects.exists()


def test_a_duty_officer_may_be_opened_at_the_same_time(monkeypatch):
    monkeypatch.setenv("MUSTER_DUTY_PASSWORD", "another-Long-1")

    init(duty_username="chenli", duty_name="陈立", duty_email="chenli@example.cn")

    chen = User.objects.get(username="chenli")
    assert chen.roles() == {Role.DUTY_OFFICER}
    assert chen.contacts.get().value == "chenli@example.cn"


def test_it_begins_once():
    init()

    with pytest.raises(CommandError, match="已初始化为“唐山市应急管理局”"):
        init(username="second")
    assert User.objects.count() == 1


def test_a_demo_database_does_not_become_a_real_centre():
    installation.begin(Mode.DEMO, sender_name="演示应急指挥中心", at=NOON)

    with pytest.raises(CommandError, match="演示应急指挥中心"):
        init()


def test_in_demo_mode_it_says_which_setting_is_wrong(settings):
    settings.MUSTER_MODE = "demo"

    with pytest.raises(CommandError, match="MUSTER_MODE=live"):
        init()


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        pytest.param({"region": "999999"}, "没有“999999”这个地区", id="an unknown region"),
        pytest.param({"username": ""}, "缺少 --username", id="no username"),
        pytest.param({"duty_phone": "2801234"}, "缺区号", id="a landline without its area code"),
        pytest.param({"email": "gao at example"}, "格式不对", id="an e-mail that is none"),
        pytest.param(
            {"duty_username": "chenli", "duty_name": "陈立"}, "MUSTER_DUTY_PASSWORD", id="no password"
        ),
    ],
)
def test_a_wrong_answer_is_named_and_nothing_is_begun(answers, says):
    with pytest.raises(CommandError, match=says):
        init(**answers)

    assert installation.current() is None
    assert not User.objects.exists()


def test_a_weak_password_is_refused(monkeypatch):
    monkeypatch.setenv("MUSTER_ADMIN_PASSWORD", "12345678")

    with pytest.raises(CommandError, match="密码不合要求"):
        init()


def test_what_no_option_gives_is_asked_for(monkeypatch):
    replies = iter(["唐山市", ""])
    monkeypatch.setattr(builtins, "input", lambda question: next(replies))

    init(asks=True, region=None)

    assert installation.check(Mode.LIVE).region.code == "130200"


def test_the_name_given_at_the_beginning_stands_in_messages_until_the_environment_says_otherwise(settings):
    settings.MUSTER_SENDER_NAME = settings.MUSTER_DUTY_PHONE = ""
    installation.begin(Mode.LIVE, sender_name="冀东应急中心", duty_phone="0315-1234567", at=NOON)

    assert installation.sender() == installation.Sender("冀东应急中心", "0315-1234567")

    settings.MUSTER_SENDER_NAME = "省应急救援中心"
    assert installation.sender() == installation.Sender("省应急救援中心", "0315-1234567")
