"""The file of channels: what stands in it becomes channels, and what is wrong in it is said at the start."""

from __future__ import annotations

import pytest

from coordination import channels
from coordination.config import environment
from coordination.config.environment import Nonsense


def written(folder, text: str) -> str:
    path = folder / "channels.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def live(settings):
    settings.MUSTER_MODE = "live"
    return settings


def complaint(settings, *tables: dict) -> str:
    settings.MUSTER_CHANNELS = list(tables)
    (error,) = channels.wrong_options()
    return str(error.msg)


def test_without_a_file_a_live_installation_has_e_mail_alone(live):
    live.MUSTER_CHANNELS = None
    assert [channel.code for channel in channels.installed()] == ["email"]


def test_a_demo_installation_has_its_inbox_whatever_the_file_says(settings):
    settings.MUSTER_MODE = "demo"
    settings.MUSTER_CHANNELS = [{"kind": "email"}]
    assert [channel.code for channel in channels.installed()] == ["inbox"]


def test_a_channel_has_the_code_and_the_names_of_its_table(live):
    live.MUSTER_CHANNELS = [{"kind": "email", "code": "mail-2", "name": "备用邮件", "name_en": "spare mail"}]
    (channel,) = channels.installed()
    assert (channel.code, channel.zh, channel.en) == ("mail-2", "备用邮件", "spare mail")


def test_a_secret_may_stand_in_a_variable_instead_of_the_file(tmp_path):
    path = written(tmp_path, '[[channel]]\nkind = "email"\npassword = "env:THE_PASSWORD"\n')
    assert environment.channels_file(path, {"THE_PASSWORD": "s3cret"}) == [
        {"kind": "email", "password": "s3cret"}
    ]
    with pytest.raises(Nonsense, match="THE_PASSWORD"):
        environment.channels_file(path, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("kind = email", "TOML", id="it is no TOML"),
        pytest.param('kind = "email"', r"\[\[channel\]\]", id="it has no table of a channel"),
        pytest.param("", r"\[\[channel\]\]", id="it is empty"),
        pytest.param("channel = [1]", r"\[\[channel\]\]", id="its list is of numbers"),
        pytest.param('channel = ["email"]', r"\[\[channel\]\]", id="its list is of names"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_what_to_write(tmp_path, text, said):
    with pytest.raises(Nonsense, match=said) as refused:
        environment.channels_file(written(tmp_path, text))
    assert "channels.toml" in refused.value.zh


def test_a_mark_at_the_beginning_of_the_file_is_passed_over(tmp_path):
    path = written(tmp_path, '\ufeff[[channel]]\nkind = "email"\n')
    assert environment.channels_file(path) == [{"kind": "email"}]


@pytest.mark.parametrize("code", ["x" * 17, "中文", "a/b", " sms", "none", "a.b"])
def test_a_code_that_no_row_could_hold_is_refused_before_the_first_message_is(live, code):
    """PostgreSQL refuses the longer ones when the first person is asked, and then nobody is."""
    said = complaint(live, {"kind": "email", "code": code})
    assert code in said
    assert "16" in said


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("per_second", float("inf")),
        ("per_second", 1e-300),
        ("per_second", -1.0),
        ("time_out", float("nan")),
        ("accepted_status", ""),
        ("accepted_status", "299-200"),
        ("url", "http://gateway:abc/send"),
        ("url", "http://[::1/send"),
        ("url", "http://gateway/send it"),
        ("look_up_url", "http://[::1"),
        ("callback_base", "muster.example.cn"),
        ("method", "G ET"),
        ("charset", "\x00"),
        ("canary", "1" * 121),
    ],
)
def test_what_would_fail_with_the_first_message_is_refused_at_the_start(live, option, value):
    table = {"kind": "http_sms", "url": "http://gateway/send", option: value}
    assert f"的 {option}：" in complaint(live, table)


@pytest.mark.parametrize("headers", [{"X-Who": "集结"}, {"X\r\nY": "a"}, {"X": "a\nb"}, {"": "a"}])
def test_a_header_that_cannot_be_written_is_refused_at_the_start(live, headers):
    said = complaint(live, {"kind": "http_sms", "url": "http://gateway/send", "headers": headers})
    assert "headers" in said


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(Nonsense, match=r"nowhere\.toml"):
        environment.channels_file("/nowhere.toml")


def test_an_unknown_kind_is_answered_with_the_kinds_there_are(live):
    said = complaint(live, {"kind": "telegraph"})
    assert "telegraph" in said
    assert "email" in said


def test_a_misspelt_option_is_named_with_its_channel(live):
    said = complaint(live, {"kind": "email"}, {"kind": "email", "code": "b", "nmae": "邮件"})
    assert "[[channel]] 2（b）" in said
    assert "nmae" in said


def test_two_channels_cannot_have_one_code(live):
    assert "“email”" in complaint(live, {"kind": "email"}, {"kind": "email"})
