"""Which rows a caller may see. Everything that the API fetches by an id comes from here.

The doors say who may call at all; here a row that is not the caller's does not exist, which is why a
foreign id answers 404 and a filter by one finds nothing.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from contracts.models import Agreement, AgreementQuerySet, Enterprise, Interest, RescueTeam, Site
from coordination.models import Callout, Deployment, GuidanceRequest, Invitation
from coordination.visits import GuidanceStatus
from experts.models import Expert
from ground.access import Permission
from ground.models import User
from incidents.models import Incident


def experts(user: User) -> QuerySet[Expert]:
    return Expert.objects.all() if user.may(Permission.READ_ROSTER) else Expert.objects.none()


def enterprises(user: User) -> QuerySet[Enterprise]:
    if user.may(Permission.READ_CONTRACTS):
        return Enterprise.objects.all()
    return Enterprise.objects.of(user) if user.may(Permission.OWN_ENTERPRISE) else Enterprise.objects.none()


def sites(user: User) -> QuerySet[Site]:
    return Site.objects.filter(enterprise__in=enterprises(user))


def teams(user: User) -> QuerySet[RescueTeam]:
    if user.may(Permission.READ_CONTRACTS):
        return RescueTeam.objects.all()
    if user.may(Permission.OWN_TEAM):
        return RescueTeam.objects.filter(memberships__user=user)
    return RescueTeam.objects.none()


def agreements(user: User) -> AgreementQuerySet:
    if user.may(Permission.READ_CONTRACTS):
        return Agreement.objects.all()
    return Agreement.objects.filter(
        Q(enterprise__in=enterprises(user)) | Q(team__in=teams(user)),
    )


def interests(user: User) -> QuerySet[Interest]:
    return Interest.objects.all() if user.may(Permission.READ_ROSTER) else Interest.objects.none()


def incidents(user: User) -> QuerySet[Incident]:
    return Incident.objects.all() if user.may(Permission.READ_INCIDENTS) else Incident.objects.none()


def guidance_requests(user: User) -> QuerySet[GuidanceRequest]:
    """Return the requests a caller may see; a draft is its enterprise's own."""
    own = (
        Q(enterprise__in=Enterprise.objects.of(user)) if user.may(Permission.OWN_ENTERPRISE) else Q(pk__in=[])
    )
    if user.may(Permission.READ_GUIDANCE):
        return GuidanceRequest.objects.filter(own | ~Q(status=GuidanceStatus.DRAFT))
    return GuidanceRequest.objects.filter(own)


def callouts(user: User) -> QuerySet[Callout]:
    return Callout.objects.filter(_of_subjects(user))


def invitations(user: User) -> QuerySet[Invitation]:
    """Return the invitations of the callouts a caller may see, and those to the caller's own team."""
    seen = _of_subjects(user, "callout__")
    if user.may(Permission.OWN_TEAM):
        # On the list is not asked: a team hears of it when it is asked.
        seen |= Q(team__memberships__user=user) & ~Q(asked_at=None)
    return Invitation.objects.filter(seen)


def deployments(user: User) -> QuerySet[Deployment]:
    return Deployment.objects.filter(invitation__in=invitations(user))


def _of_subjects(user: User, path: str = "") -> Q:
    seen = Q(pk__in=[])
    if user.may(Permission.READ_INCIDENTS):
        seen |= Q(**{f"{path}incident__isnull": False})
    if user.may(Permission.READ_GUIDANCE):
        seen |= Q(**{f"{path}guidance_request__isnull": False})
    return seen
