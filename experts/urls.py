from django.urls import path
from django.views.generic import RedirectView

urlpatterns = [
    path("experts/", RedirectView.as_view(url="/"), name="experts"),
]
