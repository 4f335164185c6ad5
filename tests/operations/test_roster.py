"""The roster kept: terms, suspension, leave, contacts; each with its refusal and its line in the audit."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from experts import roster
from experts.models import Expert
from experts.profile import Profile, Standing, TermOfOffice
from experts.standing import is_senior, standing_on
from ground.audit import Actor
from ground.mistakes import Mistake
from ground.models import AuditEntry, ContactKind
from tests.factories import an_expert
from tests.moments import NOON, TODAY

pytestmark = pytest.mark.django_db
ADMIN = Actor(None, "孙静怡")
YEAR = timedelta(days=365)


@pytest.fixture
def zhou():
    return an_expert("周明远", mobile="+8613812341234", email="zhou@example.cn")


def standing(expert, day=TODAY):
    return standing_on(Expert.objects.whole().get(pk=expert.pk), day)


def deeds():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


# --- terms ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "ended_on", "starts_on"),
    [
        pytest.param((TODAY - YEAR, TODAY + YEAR), None, TODAY + YEAR + timedelta(days=1), id="running"),
        pytest.param((TODAY - YEAR, TODAY - timedelta(days=9)), None, TODAY, id="run out nine days ago"),
        pytest.param((TODAY - YEAR, TODAY + YEAR), TODAY - timedelta(days=9), TODAY, id="dismissed before"),
    ],
)
def test_a_renewal_follows_the_old_term_without_a_gap_and_without_going_back(term, ended_on, starts_on):
    zhou = an_expert("周明远", term=term)
    zhou.appointments.update(ended_on=ended_on, category="综合决策类")

    renewed = roster.renew(zhou, until=TODAY + 4 * YEAR, number="演聘 2", by=ADMIN, at=NOON)

    assert (renewed.starts_on, renewed.ends_on) == (starts_on, TODAY + 4 * YEAR)
    assert (renewed.number, renewed.category) == ("演聘 2", "综合决策类")
    assert zhou.appointments.count() == 2
    assert deeds() == ["expert.appoint"]


def test_somebody_who_was_never_appointed_cannot_be_renewed(zhou):
    zhou.appointments.all().delete()

    with pytest.raises(roster.NotAppointed):
        roster.renew(zhou, until=TODAY + YEAR, by=ADMIN, at=NOON)

    roster.appoint(zhou, TermOfOffice(TODAY, TODAY + YEAR), by=ADMIN, at=NOON)
    assert standing(zhou) is Standing.SERVING


def test_a_term_over_another_is_refused_and_says_from_when_it_may_begin(zhou):
    with pytest.raises(roster.WrongTerm) as refused:
        roster.appoint(zhou, TermOfOffice(TODAY, TODAY + 5 * YEAR), by=ADMIN, at=NOON)

    assert "2028-01-01" in refused.value.zh and "2028-01-01" in refused.value.en


def test_the_number_of_a_letter_is_given_once(zhou):
    zhou.appointments.update(number="演聘 1")
    he = an_expert("何静", term=(TODAY - 2 * YEAR, TODAY - YEAR))

    with pytest.raises(roster.NumberTaken, match="周明远"):
        roster.renew(he, until=TODAY + YEAR, number="演聘 1", by=ADMIN, at=NOON)

    assert he.appointments.count() == 1


def test_on_the_day_of_dismissal_the_expert_is_not_appointed_any_more(zhou):
    roster.dismiss(zhou, on=TODAY, reason="本人申请", by=ADMIN, at=NOON)

    assert standing(zhou, TODAY - timedelta(days=1)) is Standing.SERVING
    assert standing(zhou) is Standing.DISMISSED
    assert not Expert.objects.appointed_on(TODAY).exists()
    with pytest.raises(roster.NotAppointed):
        roster.dismiss(zhou, on=TODAY, reason="再次", by=ADMIN, at=NOON)


def test_a_suspension_is_said_once_and_ended_once(zhou):
    roster.suspend(zhou, on=TODAY, reason="考核", by=ADMIN, at=NOON)
    with pytest.raises(roster.AlreadySuspended):
        roster.suspend(zhou, on=TODAY, reason="又一次", by=ADMIN, at=NOON)
    assert standing(zhou) is Standing.SUSPENDED
    assert not Expert.objects.serving_on(TODAY).exists()

    roster.resume(zhou, by=ADMIN, at=NOON)
    with pytest.raises(roster.NotSuspended):
        roster.resume(zhou, by=ADMIN, at=NOON)

    assert standing(zhou) is Standing.SERVING
    assert deeds() == ["expert.suspend", "expert.resume"]


@pytest.mark.parametrize(
    ("term", "is_ending"),
    [
        pytest.param((TODAY - YEAR, TODAY + timedelta(days=29)), True, id="in 29 days"),
        pytest.param((TODAY - YEAR, TODAY + timedelta(days=30)), False, id="still there in 30 days"),
        pytest.param((TODAY - YEAR, TODAY - timedelta(days=1)), False, id="over already"),
        pytest.param((TODAY + timedelta(days=1), TODAY + timedelta(days=9)), False, id="not begun"),
    ],
)
def test_who_is_about_to_leave(term, is_ending):
    an_expert("周明远", term=term)

    assert Expert.objects.ending_within(30, of=TODAY).exists() is is_ending


def test_who_has_been_renewed_is_not_about_to_leave():
    zhou = an_expert("周明远", term=(TODAY - YEAR, TODAY + timedelta(days=9)))
    roster.renew(zhou, until=TODAY + YEAR, by=ADMIN, at=NOON)

    assert not Expert.objects.ending_within(30, of=TODAY).exists()


# --- leave and contacts -----------------------------------------------------------------------------


def test_leave_is_recorded_once_however_often_it_is_sent_and_may_be_taken_back(zhou):
    for _ in range(2):
        leave = roster.add_absence(zhou, starts_on=TODAY, ends_on=TODAY, reason="出差", by=ADMIN, at=NOON)
    assert zhou.absences.count() == 1

    for _ in range(2):
        roster.remove_absence(leave, by=ADMIN, at=NOON)

    assert deeds() == ["expert.absence.add", "expert.absence.remove"]


def test_leave_that_ends_before_it_starts_is_refused(zhou):
    with pytest.raises(roster.WrongTerm):
        roster.add_absence(zhou, starts_on=TODAY, ends_on=TODAY - timedelta(days=1), by=ADMIN, at=NOON)


def test_contacts_are_put_in_another_order_without_losing_any(zhou):
    ways = [(ContactKind.EMAIL, "zhou@example.cn"), (ContactKind.MOBILE, "+8613812341234")]

    roster.set_contacts(zhou, ways, by=ADMIN, at=NOON)

    assert [(one.kind, one.value, one.rank) for one in zhou.contacts.all()] == [
        ("email", "zhou@example.cn", 1),
        ("mobile", "+8613812341234", 2),
    ]
    assert "138" not in str(AuditEntry.objects.get().details)


def test_the_last_contact_cannot_be_taken_away(zhou):
    with pytest.raises(Mistake, match="至少保留一个"):
        roster.set_contacts(zhou, [], by=ADMIN, at=NOON)


def test_a_new_mobile_from_a_sheet_takes_the_place_of_the_old_one_and_leaves_the_others(zhou):
    roster.revise(
        zhou, Profile(contacts={ContactKind.MOBILE: ("+8613911112222", "+8613911113333")}), by=ADMIN, at=NOON
    )

    assert [one.value for one in zhou.contacts.all()] == [
        "+8613911112222",
        "zhou@example.cn",
        "+8613911113333",
    ]


# --- profiles ---------------------------------------------------------------------------------------


def test_all_are_enrolled_or_none(zhou):
    zhou.appointments.update(number="演聘 1")
    term = TermOfOffice(TODAY, TODAY + YEAR, "演聘 1")
    people = [
        Profile(columns={"name": "何静", "employer": "演示单位"}),
        Profile(columns={"name": "何平", "employer": "演示单位"}, term=term),
    ]

    with pytest.raises(roster.NumberTaken):
        roster.enrol(people, by=ADMIN, at=NOON)

    assert Expert.objects.count() == 1 and deeds() == []


def test_a_person_without_an_employer_is_not_enrolled():
    with pytest.raises(roster.NobodyNamed):
        roster.enrol([Profile(columns={"name": "何静"})], by=ADMIN, at=NOON)


def test_a_new_name_is_found_by_its_new_spelling(zhou):
    roster.revise(zhou, Profile(columns={"name": "仇明远"}), by=ADMIN, at=NOON)

    assert list(Expert.objects.found_by("qmy")) == [zhou]
    assert not Expert.objects.found_by("zmy").exists()


def test_another_county_without_coordinates_moves_the_place_to_its_seat(zhou):
    roster.revise(zhou, Profile(region="130102"), by=ADMIN, at=NOON)

    zhou.refresh_from_db()
    assert (zhou.region_id, zhou.precision) == ("130102", "county")
    assert zhou.latitude == zhou.region.latitude


@pytest.mark.parametrize(
    ("title", "senior"),
    [
        ("正高级工程师", True),
        ("教授级高工", True),
        ("教授", True),
        ("研究员", True),
        ("副教授", False),
        ("副研究员", False),
        ("高级工程师", False),
        ("", False),
    ],
)
def test_the_highest_rank_is_told_by_the_title(title, senior):
    assert is_senior(title) is senior


def test_the_last_day_of_a_term_is_a_day_of_it():
    zhou = an_expert("周明远", term=(date(2025, 1, 1), TODAY))

    assert standing(zhou) is Standing.SERVING
    assert standing(zhou, TODAY + timedelta(days=1)) is Standing.EXPIRED
