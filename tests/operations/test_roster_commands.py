"""`load_roster` and `export_roster`: what they print, what they write, how they end."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from experts.models import Expert
from ground.models import AuditEntry
from tests.rosters import a_person, people, workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_clock")]


@pytest.fixture
def roster_file(tmp_path):
    def write(*rows):
        path = tmp_path / "名册.xlsx"
        path.write_bytes(workbook(rows))
        return str(path)

    return write


def test_a_file_is_imported_and_the_counts_are_told(roster_file, capsys):
    call_command("load_roster", roster_file(*people(3)))

    assert "新增 3  更新 0  无变化 0  错误 0" in capsys.readouterr().out
    assert Expert.objects.count() == 3
    assert AuditEntry.objects.get(action="roster.import").actor_label == "命令行"


def test_a_dry_run_says_the_same_and_writes_nothing(roster_file, capsys):
    call_command("load_roster", roster_file(*people(3)), "--dry-run")

    assert "未写入" in capsys.readouterr().out
    assert not Expert.objects.exists()


def test_with_an_error_it_names_the_cell_and_exits_with_one(roster_file, capsys):
    with pytest.raises(CommandError) as ended:
        call_command("load_roster", roster_file(a_person(1, 手机="138")))

    assert ended.value.returncode == 1
    assert "花名册!O4 手机 “138”" in capsys.readouterr().out
    assert not Expert.objects.exists()


def test_json_holds_the_errors_with_their_cells(roster_file, capsys):
    with pytest.raises(CommandError):
        call_command("load_roster", roster_file(a_person(1, 聘期止="2027.13.1")), "--json")

    said = json.loads(capsys.readouterr().out)
    assert said["applied"] is False
    assert said["errors"][0]["cell"] == "S4" and said["errors"][0]["problem_en"]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="找不到文件"):
        call_command("load_roster", str(tmp_path / "none.xlsx"))


def test_what_is_exported_can_be_imported_without_a_change(roster_file, tmp_path, capsys):
    call_command("load_roster", roster_file(*people(3)))
    out = str(tmp_path / "out.xlsx")

    call_command("export_roster", out)
    capsys.readouterr()
    call_command("load_roster", out, "--json")

    said = json.loads(capsys.readouterr().out)
    assert (said["creates"], said["updates"], said["unchanged"]) == (0, 0, 3)
    assert AuditEntry.objects.get(action="roster.export").details["experts"] == 3


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="不能写入"):
        call_command("export_roster", str(tmp_path / "no" / "out.xlsx"))
