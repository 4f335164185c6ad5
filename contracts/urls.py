from django.urls import path

from contracts.views import agreements, enterprises, parties

urlpatterns = [
    path("enterprises/", parties.enterprises, name="enterprises"),
    path("enterprises/new/", enterprises.new, name="enterprise-new"),
    path("enterprises/<uuid:public_id>/", parties.enterprise, name="enterprise"),
    path("enterprises/<uuid:public_id>/edit/", enterprises.edit, name="enterprise-edit"),
    path("enterprises/<uuid:public_id>/sites/new/", enterprises.add_site, name="site-new"),
    path("enterprises/<uuid:public_id>/contacts/", enterprises.reveal, name="enterprise-contacts"),
    path("teams/", parties.teams, name="teams"),
    path("teams/<uuid:public_id>/", parties.team, name="rescue-team"),
    path("teams/<uuid:public_id>/contacts/", enterprises.reveal_team, name="rescue-team-contacts"),
    path("agreements/", agreements.index, name="agreements"),
    path("agreements/new/", agreements.new, name="agreement-new"),
    path("agreements/<uuid:public_id>/", agreements.detail, name="agreement"),
    path("agreements/<uuid:public_id>/edit/", agreements.edit, name="agreement-edit"),
    path("agreements/<uuid:public_id>/confirm/", agreements.confirm, name="agreement-confirm"),
    path("agreements/<uuid:public_id>/terminate/", agreements.terminate, name="agreement-terminate"),
    path("agreements/<uuid:public_id>/renew/", agreements.renew, name="agreement-renew"),
]
