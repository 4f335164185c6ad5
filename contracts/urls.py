from django.urls import path

from contracts.views import agreements, parties

urlpatterns = [
    path("enterprises/", parties.enterprises, name="enterprises"),
    path("enterprises/<uuid:public_id>/", parties.enterprise, name="enterprise"),
    path("teams/", parties.teams, name="teams"),
    path("teams/<uuid:public_id>/", parties.team, name="rescue-team"),
    path("agreements/", agreements.index, name="agreements"),
    path("agreements/new/", agreements.new, name="agreement-new"),
    path("agreements/<uuid:public_id>/", agreements.detail, name="agreement"),
    path("agreements/<uuid:public_id>/confirm/", agreements.confirm, name="agreement-confirm"),
    path("agreements/<uuid:public_id>/terminate/", agreements.terminate, name="agreement-terminate"),
    path("agreements/<uuid:public_id>/renew/", agreements.renew, name="agreement-renew"),
]
