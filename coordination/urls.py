from django.urls import path

from coordination import live
from coordination.views import (
    answer,
    callouts,
    desk,
    guidance,
    guidance_draws,
    home,
    inbox,
    incidents,
    intake,
    my_enterprise,
    my_team,
    nearby,
    people,
    plans,
    weights,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", home.healthz, name="healthz"),
    path("readyz", home.readyz, name="readyz"),
    path("metrics", home.figures, name="metrics"),
    # Incidents
    path("desk/", desk.desk, name="desk"),
    path("desk/active/", desk.active, name="desk-active"),
    path("desk/side/", desk.side, name="desk-side"),
    path("live/", live.live, name="live"),
    path("incidents/", incidents.index, name="incidents"),
    path("incidents/new/", intake.intake, name="intake"),
    path("incidents/new/preview/", intake.preview, name="intake-preview"),
    path("incidents/suggest/", intake.suggest, name="intake-suggest"),
    path("incidents/<uuid:public_id>/", incidents.detail, name="incident"),
    path("incidents/<uuid:public_id>/head/", incidents.head, name="incident-head"),
    path("incidents/<uuid:public_id>/facts/", incidents.facts, name="incident-facts"),
    path("incidents/<uuid:public_id>/board/", incidents.board, name="incident-board"),
    path("incidents/<uuid:public_id>/candidates/", incidents.candidates, name="incident-candidates"),
    path("incidents/<uuid:public_id>/nearby/", nearby.nearby, name="incident-nearby"),
    path("incidents/<uuid:public_id>/timeline/", incidents.timeline, name="incident-timeline"),
    path("incidents/<uuid:public_id>/note/", incidents.note, name="incident-note"),
    path("incidents/<uuid:public_id>/move/", incidents.move, name="incident-move"),
    path("incidents/<uuid:public_id>/levels/", incidents.set_levels, name="incident-levels"),
    path("incidents/<uuid:public_id>/correct/", incidents.correct, name="incident-correct"),
    path("incidents/<uuid:public_id>/close/", incidents.close, name="incident-close"),
    path("incidents/<uuid:public_id>/withdraw/", incidents.withdraw, name="incident-withdraw"),
    # Callouts of an incident
    path("incidents/<uuid:public_id>/callouts/", callouts.start, name="callout-start"),
    path("callouts/<uuid:public_id>/add/", callouts.add, name="callout-add"),
    path("callouts/<uuid:public_id>/seats/<int:position>/", callouts.seats, name="callout-seats"),
    path("callouts/<uuid:public_id>/pause/", callouts.pause, name="callout-pause"),
    path("callouts/<uuid:public_id>/resume/", callouts.resume, name="callout-resume"),
    path("callouts/<uuid:public_id>/stop/", callouts.stop, name="callout-stop"),
    path("invitations/<uuid:public_id>/answer/", callouts.answer, name="invitation-answer"),
    path("invitations/<uuid:public_id>/withdraw/", callouts.withdraw, name="invitation-withdraw"),
    path("deployments/<uuid:public_id>/<slug:step>/", callouts.step, name="deployment-step"),
    # What an incident of a kind is proposed, before there is one
    path("response-plans/", plans.index, name="response-plans"),
    path("response-plans/<slug:kind>/", plans.detail, name="response-plan"),
    path("response-plans/<slug:kind>/edit/", plans.edit, name="response-plan-edit"),
    path("response-plans/<slug:kind>/reset/", plans.reset, name="response-plan-reset"),
    # By what the candidates are ranked
    path("matching-weights/", weights.index, name="matching-weights"),
    path("matching-weights/edit/", weights.edit, name="matching-weights-edit"),
    # Guidance
    path("my-enterprise/", my_enterprise.home, name="my-enterprise"),
    path("my-enterprise/guidance/new/", my_enterprise.ask, name="guidance-new"),
    path("my-enterprise/guidance/<uuid:public_id>/", my_enterprise.progress, name="my-guidance"),
    path("my-enterprise/guidance/<uuid:public_id>/check/", my_enterprise.check, name="my-guidance-check"),
    path("my-enterprise/guidance/<uuid:public_id>/rate/", my_enterprise.rate, name="my-guidance-rate"),
    path("my-enterprise/guidance/<uuid:public_id>/cancel/", my_enterprise.cancel, name="my-guidance-cancel"),
    path("guidance/", guidance.index, name="guidance"),
    path("guidance/<uuid:public_id>/", guidance.detail, name="guidance-request"),
    path("guidance/<uuid:public_id>/<slug:name>/", guidance.step, name="guidance-step"),
    path(
        "guidance/<uuid:public_id>/invitations/<uuid:invitation_id>/answer/",
        guidance.answer,
        name="guidance-answer",
    ),
    path("draws/<uuid:public_id>.json", guidance_draws.download, name="draw-file"),
    # A team's own page
    path("my-team/", my_team.home, name="my-team"),
    path("my-team/state/", my_team.set_state, name="my-team-state"),
    # An expert's page: the roster's part, with callouts and deployments
    path("experts/<uuid:public_id>/", people.expert, name="expert"),
    # Demo installation only
    path("inbox/", inbox.inbox, name="inbox"),
    # The expert's and the team's phone
    path("a/<str:token>/", answer.answer, name="answer"),
    path("a/<str:token>/seen/", answer.seen, name="answer-seen"),
    path("a/<str:token>/calendar.ics", answer.calendar, name="answer-calendar"),
]
