"""Somebody at work stays signed in; somebody who left is signed out."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from ground.sessions import RENEWED, IdleSessionMiddleware

pytestmark = pytest.mark.django_db
minutes = 60


@pytest.fixture
def li(client: Client):
    user = get_user_model().objects.create(username="li")
    client.force_login(user)
    return user


def visit(client: Client, user, *, last_noted: float) -> None:
    """Let `user` ask for a page; the idle time was last started anew at `last_noted`."""
    request = RequestFactory().get("/")
    request.user, request.session = user, client.session
    request.session[RENEWED] = int(last_noted)
    request.session.modified = False
    IdleSessionMiddleware(lambda request: HttpResponse())(request)
    if request.session.modified:
        request.session.save()


def idle_time_left() -> timedelta:
    return Session.objects.get().expire_date - timezone.now()


def nearly_run_out() -> None:
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=1))


def test_a_request_starts_the_idle_time_anew(client, li):
    nearly_run_out()

    visit(client, li, last_noted=time.time() - 2 * minutes)

    assert idle_time_left() > timedelta(seconds=settings.SESSION_COOKIE_AGE - 60)


def test_requests_within_the_same_minute_write_nothing(client, li):
    nearly_run_out()

    visit(client, li, last_noted=time.time() - 10)

    assert idle_time_left() < timedelta(minutes=1)


def test_a_clock_that_was_set_back_does_not_end_a_session(client, li):
    nearly_run_out()

    visit(client, li, last_noted=time.time() + 500 * minutes)

    assert idle_time_left() > timedelta(minutes=5)


def test_a_session_without_requests_runs_out(client, li):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert "_auth_user_id" not in client.session
