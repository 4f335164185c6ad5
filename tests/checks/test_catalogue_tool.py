"""The tool that looks for texts without English."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / ".ci" / "catalogues.py"

VIEW = '''
"""文档不算。"""
from django.utils.translation import gettext as _, gettext_lazy as later, ngettext, pgettext
title = _("标题")
label = later("标签")
refusal = Mistake("找不到这里。", f"There is no {place}.")
stored = Reason("人在外地", _("标题"))
count = ngettext("%(n)d 人", "%(n)d 人们", n)
level = pgettext("事故", "一级")
brand = "集结"  # not translated: the name
forgotten = "忘了"
'''
TEMPLATE = """
<h1>
  {% translate "首页" %}
    {% blocktranslate count n=n %}一条 {{ n }}{% plural %}多条 {{ n }}{% endblocktranslate %}
  {% include "x.html" with title=_("题目") %}
  集结 {# not translated: the name #}
  {# 注释不算 #}
  漏掉的字 {% translate "式" context "数学" %}
</h1>
"""


@pytest.fixture
def tool(tmp_path: Path, monkeypatch) -> ModuleType:
    """The tool, looking at a project of two files."""
    spec = importlib.util.spec_from_file_location("catalogue_tool", TOOL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "ENGLISH", tmp_path / "locale" / "en" / "LC_MESSAGES" / "django.po")
    (tmp_path / "ground" / "templates").mkdir(parents=True)
    (tmp_path / "ground" / "views.py").write_text(VIEW)
    (tmp_path / "ground" / "templates" / "page.html").write_text(TEMPLATE)
    return module


def test_every_text_of_code_and_pages_is_found(tool):
    found = {message.id if isinstance(message.id, str) else message.id[0] for message in tool.extracted()}

    assert found - {""} == {"标题", "标签", "%(n)d 人", "一级", "首页", "一条 %(n)s", "题目", "式"}


def test_a_text_without_english_fails_the_check(tool, capsys):
    tool.extract()

    assert tool.check() == 1
    assert "ground/views.py: no English for '标题'" in capsys.readouterr().out


def test_chinese_outside_a_translate_tag_fails_the_check_unless_a_reason_is_given(tool, capsys):
    tool.check()

    complaints = capsys.readouterr().out
    assert "page.html:8: not in a translate tag: 漏掉的字" in complaints
    assert "views.py:11: not in gettext: '忘了'" in complaints
    for fine in ("集结", "不算", "找不到", "人在外地"):
        assert fine not in complaints


def test_a_text_that_left_the_code_leaves_the_catalogue(tool, capsys):
    tool.extract()
    (tool.ROOT / "ground" / "views.py").write_text("")

    tool.check()
    assert "'标题' is in no source any more" in capsys.readouterr().out
    tool.extract()
    assert tool.english().get("标题") is None


def test_extracting_again_changes_nothing(tool):
    tool.extract()
    before = tool.ENGLISH.read_text()

    tool.extract()

    assert tool.ENGLISH.read_text() == before
