"""The addresses of the API, under /api/v1/. Only opaque ids stand in them."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from coordination.api import (
    callouts,
    draws,
    guidance,
    incidents,
    invitations,
    matching,
    panels,
    parties,
    plans,
    roster,
    vocabularies,
    weights,
)
from coordination.api.faces import NothingHere

INCIDENT = "incidents/<uuid:public_id>/"
REQUEST = "guidance-requests/<uuid:public_id>/"
CALLOUT = "callouts/<uuid:public_id>/"
DEPLOYMENT = "deployments/<uuid:public_id>/"

urlpatterns: list[URLPattern] = [
    # What the others refer to
    path("industries/", vocabularies.Industries.as_view()),
    path("specialties/", vocabularies.Specialties.as_view()),
    path("capabilities/", vocabularies.Capabilities.as_view()),
    path("regions/", vocabularies.Regions.as_view()),
    path("incident-kinds/", vocabularies.IncidentKinds.as_view()),
    # Who can help, who has promised whom
    path("experts/", roster.Experts.as_view()),
    path("experts/<uuid:public_id>/", roster.ExpertDetail.as_view()),
    path("enterprises/", parties.Enterprises.as_view()),
    path("enterprises/<uuid:public_id>/", parties.EnterpriseDetail.as_view()),
    path("teams/", parties.Teams.as_view()),
    path("teams/<uuid:public_id>/", parties.TeamDetail.as_view()),
    path("agreements/", parties.Agreements.as_view()),
    path("agreements/<uuid:public_id>/", parties.AgreementDetail.as_view()),
    path("interests/", parties.Interests.as_view()),
    # Need
    path("incidents/", incidents.Incidents.as_view()),
    path(INCIDENT, incidents.IncidentDetail.as_view()),
    path(f"{INCIDENT}candidates/", matching.IncidentCandidates.as_view()),
    path(f"{INCIDENT}log/", incidents.IncidentLog.as_view()),
    path(f"{INCIDENT}close/", incidents.CloseIncident.as_view()),
    path(f"{INCIDENT}withdraw/", incidents.WithdrawIncident.as_view()),
    path("guidance-requests/", guidance.GuidanceRequests.as_view()),
    path(REQUEST, guidance.GuidanceDetail.as_view()),
    path(f"{REQUEST}candidates/", matching.GuidanceCandidates.as_view()),
    path(f"{REQUEST}draw/", draws.GuidanceDraw.as_view()),
    path(f"{REQUEST}panels/", panels.GuidancePanels.as_view()),
    path(f"{REQUEST}panels/ask/", panels.AskPanel.as_view()),
    path(f"{REQUEST}submit/", guidance.SubmitGuidance.as_view()),
    path(f"{REQUEST}accept/", guidance.AcceptGuidance.as_view()),
    path(f"{REQUEST}return/", guidance.ReturnGuidance.as_view()),
    path(f"{REQUEST}schedule/", guidance.ScheduleGuidance.as_view()),
    path(f"{REQUEST}visited/", guidance.VisitedGuidance.as_view()),
    path(f"{REQUEST}report/", guidance.ReportGuidance.as_view()),
    path(f"{REQUEST}rating/", guidance.RateGuidance.as_view()),
    path(f"{REQUEST}close/", guidance.CloseGuidance.as_view()),
    path(f"{REQUEST}cancel/", guidance.CancelGuidance.as_view()),
    path("response-plans/", plans.ResponsePlans.as_view()),
    path("matching-weights/", weights.MatchingWeightsInForce.as_view()),
    path("matches/", matching.Matches.as_view()),
    # Callout, invitations, deployments
    path("callouts/", callouts.Callouts.as_view()),
    path(CALLOUT, callouts.CalloutDetail.as_view()),
    path(f"{CALLOUT}stop/", callouts.StopCallout.as_view()),
    path(f"{CALLOUT}waves/", callouts.Waves.as_view()),
    path(f"{CALLOUT}requirements/<int:position>/", callouts.CalloutRequirement.as_view()),
    path("invitations/", invitations.Invitations.as_view()),
    path("invitations/<uuid:public_id>/", invitations.InvitationDetail.as_view()),
    path("invitations/<uuid:public_id>/answer/", invitations.AnswerInvitation.as_view()),
    path("deployments/", invitations.Deployments.as_view()),
    path(DEPLOYMENT, invitations.DeploymentDetail.as_view()),
    path(f"{DEPLOYMENT}depart/", invitations.Depart.as_view()),
    path(f"{DEPLOYMENT}arrive/", invitations.Arrive.as_view()),
    path(f"{DEPLOYMENT}release/", invitations.Release.as_view()),
    path(f"{DEPLOYMENT}report/", invitations.Report.as_view()),
    # Whatever else is asked for is answered in the API's own way
    re_path(r"^", NothingHere.as_view()),
]
