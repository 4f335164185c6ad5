"""Signing in, with a lock against guessing; a demo installation shows its accounts beside the form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.translation import ngettext

from coordination.demo.accounts import ACCOUNTS, PASSWORD
from ground import audit, clock, sign_in_limits
from ground.audit import Actor
from ground.languages import language
from ground.models import User


class SignInForm(AuthenticationForm):
    """Refuses a locked name before looking at the password, so that a lock tells nothing about it."""

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username") or ""
        if not (username and self.cleaned_data.get("password")):
            return super().clean()
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        if (lock := sign_in_limits.locked_for(username, address)) is not None:
            raise _locked(lock)
        try:
            cleaned = super().clean()
        except ValidationError:
            if (lock := sign_in_limits.failed(username, address)) is not None:
                _record_lock(username, address)
                raise _locked(lock) from None
            raise
        sign_in_limits.succeeded(username, address)
        return cleaned


def _locked(lock: timedelta) -> ValidationError:
    minutes = max(1, round(lock.total_seconds() / 60))
    return ValidationError(
        ngettext(
            "密码连续输错，该用户名在本机已锁定。请 %(minutes)d 分钟后再试，或联系系统管理员。",
            "密码连续输错，该用户名在本机已锁定。请 %(minutes)d 分钟后再试，或联系系统管理员。",
            minutes,
        )
        % {"minutes": minutes},
        code="locked",
    )


def _record_lock(username: str, address: str) -> None:
    if user := User.objects.filter(username=username).first():
        audit.record("account.lock", user, by=audit.SYSTEM, at=clock.now(), address=address)


class SignIn(LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        user = form.get_user()
        assert isinstance(user, User)
        audit.record(
            "account.sign_in",
            user,
            by=Actor.of(user),
            at=clock.now(),
            address=self.request.META.get("REMOTE_ADDR", ""),
        )
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if settings.MUSTER_MODE == "demo":
            context["demo_accounts"] = [
                {"username": account.username, "password": PASSWORD, "role": account.role.word(language())}
                for account in ACCOUNTS
            ]
        return context
