from django.contrib.auth import views as auth
from django.urls import path

urlpatterns = [
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
]
