from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from coordination.views.sign_in import SignIn
from ground import admin_site

# The API's own page brings a style block along; no other page may have one.
api_docs = csp_update({"style-src": ["'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema")
)

urlpatterns = [
    path("", include("coordination.urls")),
    path("", include("contracts.urls")),
    path("", include("experts.urls")),
    path("", include("ground.urls")),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("api/v1/", include("coordination.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", api_docs, name="api-docs"),
    path("admin/", admin_site.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
