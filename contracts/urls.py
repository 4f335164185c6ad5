from django.urls import path
from django.views.generic import RedirectView

urlpatterns = [
    path("teams/", RedirectView.as_view(url="/"), name="teams"),
    path("enterprises/", RedirectView.as_view(url="/"), name="enterprises"),
    path("agreements/", RedirectView.as_view(url="/"), name="agreements"),
]
