"""The catalogues are compiled when they changed, and Chinese stays Chinese whatever the installation speaks."""

import gettext
import os
from pathlib import Path

import pytest

from ground import catalogues

ENGLISH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "专家"
msgstr "expert"

msgid "%(n)d 人"
msgid_plural "%(n)d 人"
msgstr[0] "%(n)d person"
msgstr[1] "%(n)d people"
"""


@pytest.fixture
def locale(tmp_path: Path) -> Path:
    source = tmp_path / "en" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(ENGLISH)
    return tmp_path


def spoken(locale: Path, language: str) -> gettext.NullTranslations:
    with (locale / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_english_is_compiled_from_its_source(locale):
    catalogues.compile_stale([locale])

    assert spoken(locale, "en").gettext("专家") == "expert"
    assert spoken(locale, "en").ngettext("%(n)d 人", "%(n)d 人", 2) == "%(n)d people"


def test_chinese_says_each_text_as_it_stands(locale):
    catalogues.compile_stale([locale])

    assert spoken(locale, "zh_Hans").gettext("专家") == "专家"
    assert spoken(locale, "zh_Hans").ngettext("%(n)d 人", "%(n)d 人", 2) == "%(n)d 人"


def test_what_is_compiled_already_is_left_alone(locale):
    assert len(catalogues.compile_stale([locale])) == 2

    assert catalogues.compile_stale([locale]) == []


def test_a_checkout_with_an_older_moment_is_compiled_too(locale):
    catalogues.compile_stale([locale])
    source = locale / "en" / "LC_MESSAGES" / "django.po"
    source.write_text(ENGLISH.replace('"expert"', '"specialist"'))
    os.utime(source, (1, 1))

    catalogues.compile_stale([locale])

    assert spoken(locale, "en").gettext("专家") == "specialist"
