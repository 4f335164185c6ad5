"""The same letter of appointment is written twice in the same instant: one has it, the other is told whose it is."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection, connections
from django.test import Client

from experts import roster, roster_sheet, uploads
from experts.models import Appointment, Expert, ImportUpload
from experts.profile import TermOfOffice
from ground.access import EVERYWHERE, Role
from ground.models import User
from tests.factories import OFFICER, a_user, an_expert
from tests.moments import NOON, TODAY
from tests.rosters import a_person, people, workbook

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("the_clock")]

NUMBER = "演聘〔2025〕001号"
RUNS = 3
one_writer_at_a_time = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer at a time"
)


@pytest.fixture
def zhao() -> User:
    return a_user("zhaomin", Role.ROSTER_ADMIN, name="赵敏")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def uploaded(user: User, *rows) -> ImportUpload:
    return uploads.keep(workbook(rows), name="花名册.xlsx", owner=user, at=NOON)


def on_a_connection_of_its_own(work):
    try:
        return work()
    finally:
        connections.close_all()


def appoints(expert: Expert) -> None:
    term = TermOfOffice(date(2028, 1, 1), date(2030, 12, 31), NUMBER)
    roster.appoint(expert, term, by=OFFICER, at=NOON)


@pytest.fixture
def given_away_at_the_last_moment(monkeypatch):
    """Just after a writer has seen that the number is free, 钱工 is appointed with it by somebody else."""
    qian = an_expert("钱工")
    look, once = roster._refuse_taken_numbers, iter([True])

    def looks_and_is_overtaken(rows):
        look(rows)
        if next(once, False):
            with ThreadPoolExecutor(1) as other:
                other.submit(on_a_connection_of_its_own, lambda: appoints(qian)).result()

    monkeypatch.setattr(roster, "_refuse_taken_numbers", looks_and_is_overtaken)
    return qian


@one_writer_at_a_time
def test_an_import_that_is_overtaken_says_whose_the_number_is(zhao, given_away_at_the_last_moment):
    upload = uploaded(zhao, a_person(1, 聘书编号=NUMBER), a_person(2))

    answer = signed_in(zhao).post(f"/experts/import/{upload.public_id}/", follow=True)

    # The officer is back at the list of errors, and nothing of the file has been written.
    assert answer.status_code == 200
    assert f"聘书编号 {NUMBER} 已是钱工的" in answer.content.decode()
    assert list(Expert.objects.values_list("name", flat=True)) == ["钱工"]


@one_writer_at_a_time
def test_an_appointment_by_hand_that_is_overtaken_says_so_too(given_away_at_the_last_moment):
    sun = an_expert("孙工")

    with pytest.raises(roster.NumberTaken, match="钱工"):
        appoints(sun)

    assert not Appointment.objects.filter(expert=sun, number=NUMBER).exists()


def test_of_two_imports_of_the_same_people_one_is_written_and_the_other_checked_again(zhao):
    for run in range(RUNS):
        rows = people(3 * run + 3)[3 * run :]
        pair = [uploaded(zhao, *rows), uploaded(zhao, *rows)]
        together = threading.Barrier(2)

        def presses_the_button(upload, together=together):
            # Both have looked before either writes.
            plan = uploads.plan_of(upload, reach=EVERYWHERE, at=NOON)
            together.wait()
            try:
                return uploads.import_upload(upload, plan, by=OFFICER, at=NOON)
            except roster_sheet.PlanIsStale as stale:
                return stale

        with ThreadPoolExecutor(2) as pool:
            said = list(
                pool.map(lambda one: on_a_connection_of_its_own(lambda: presses_the_button(one)), pair)
            )

        assert sorted(type(one).__name__ for one in said) == ["PlanIsStale", "Receipt"], f"run {run}"
        assert Expert.objects.count() == 3 * run + 3
        assert Appointment.objects.filter(starts_on__lte=TODAY).count() == 3 * run + 3
