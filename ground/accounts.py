"""Accounts opened with their roles, where no page does it: at the first start and by commands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation

from ground import audit
from ground.access import Role
from ground.audit import Actor
from ground.mistakes import Mistake
from ground.models import ContactKind, Region, RoleGrant, User, UserContact


class WrongAccount(Mistake):
    """The account cannot be opened like this."""


def open_account(
    username: str,
    *,
    name: str,
    email: str = "",
    password: str,
    roles: Iterable[Role],
    region: Region | None = None,
    by: Actor,
    at: datetime,
) -> User:
    """Open an account with these roles; alarms reach it by the e-mail, if there is one.

    :raises WrongAccount: saying which of the answers will not do, and why.
    """
    user = User(username=username.strip(), name=name.strip(), email=email.strip())
    _refuse_wrong(user, password)
    with transaction.atomic():
        user.set_password(password)
        user.save()
        RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role, region=region) for role in roles)
        if user.email:
            UserContact.objects.create(user=user, kind=ContactKind.EMAIL, value=user.email)
        audit.record(
            "account.open",
            user,
            by=by,
            at=at,
            username=user.username,
            roles=list(roles),
            region=region.pk if region else None,
        )
    return user


def _refuse_wrong(user: User, password: str) -> None:
    if not user.username or not user.name:
        raise WrongAccount("用户名和姓名都要填写。", "Give both a username and a name.")
    if User.objects.filter(username=user.username).exists():
        raise WrongAccount(
            f"用户名“{user.username}”已被使用。请换一个。",
            f"The username “{user.username}” is taken. Choose another.",
        )
    try:
        User._meta.get_field("username").run_validators(user.username)
        if user.email:
            validate_email(user.email)
    except ValidationError:
        raise WrongAccount(
            f"用户名“{user.username}”或邮箱“{user.email}”格式不对。用户名只用字母、数字和 @ . + - _。",
            f"The username “{user.username}” or the e-mail “{user.email}” is malformed. A username has only "
            "letters, digits and @ . + - _.",
        ) from None
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise WrongAccount(
            f"密码不合要求：{_in('zh-hans', problem)}", f"The password will not do: {_in('en', problem)}"
        ) from None


def _in(language: str, problem: ValidationError) -> str:
    with translation.override(language):
        return " ".join(problem.messages)
