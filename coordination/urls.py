from django.urls import path

from coordination.views import home
from coordination.views.placeholder import soon

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", home.healthz, name="healthz"),
    path("readyz", home.readyz, name="readyz"),
    # Incidents
    path("desk/", soon, name="desk"),
    path("incidents/", soon, name="incidents"),
    # Guidance
    path("my-enterprise/", soon, name="my-enterprise"),
    path("guidance/", soon, name="guidance"),
    # Demo installation only
    path("inbox/", soon, name="inbox"),
    # The expert's and the team's phone
    path("a/<str:token>/", soon, name="answer"),
]
