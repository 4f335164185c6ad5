"""Answer links: only their hash is kept, and a key that was changed does not break the links that are out."""

from __future__ import annotations

import pytest

from coordination import links
from coordination.models import AnswerToken
from tests.factories import a_callout, an_expert, an_incident
from tests.moments import NOON, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation():
    return a_callout(an_incident(), asks=[an_expert("李工")]).invitations.get()


def spelled(token: AnswerToken) -> str:
    return links.address(token).rstrip("/").rsplit("/", 1)[1]


def test_the_link_leads_to_its_invitation_and_is_short_enough_for_a_text_message(invitation):
    token = links.issue(invitation, at=NOON)

    assert links.invitation_of(spelled(token), at=NOON) == invitation
    assert len(spelled(token)) <= 24


def test_nothing_in_the_table_is_the_token(invitation):
    token = links.issue(invitation, at=NOON)

    assert spelled(token) not in {token.nonce, token.digest}
    assert len(token.digest) == 64


def test_asking_again_sends_the_same_link(invitation):
    assert links.issue(invitation, at=NOON) == links.issue(invitation, at=NOON + minutes(30))


@pytest.mark.parametrize("forged", ["", "x", "A" * 22, "../../etc/passwd", "你好"])
def test_a_forged_token_leads_nowhere(invitation, forged):
    with pytest.raises(links.UnknownToken):
        links.invitation_of(forged, at=NOON)


def test_an_expired_and_a_revoked_token_are_told_apart(invitation):
    token = links.issue(invitation, at=NOON)

    with pytest.raises(links.ExpiredToken):
        links.invitation_of(spelled(token), at=NOON + links.VALID_FOR)

    AnswerToken.objects.update(revoked_at=NOON)
    with pytest.raises(links.UnknownToken):
        links.invitation_of(spelled(token), at=NOON)


def test_a_link_sent_before_the_key_was_changed_still_works_and_is_still_sent(invitation, settings):
    old_key = settings.SECRET_KEY
    token = links.issue(invitation, at=NOON)
    sent = spelled(token)

    settings.SECRET_KEY = "another key" * 5
    settings.SECRET_KEY_FALLBACKS = [old_key]

    assert spelled(token) == sent
    assert links.invitation_of(sent, at=NOON) == invitation


def test_with_the_old_key_forgotten_a_new_link_is_made(invitation, settings):
    token = links.issue(invitation, at=NOON)
    settings.SECRET_KEY = "another key" * 5

    assert links.issue(invitation, at=NOON) != token
