"""Every app with a `face` in the navigation gets its label as URL prefix; the rest is here."""

from importlib.util import find_spec

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from apps.people.enter import enter
from apps.sites.hooks import take

from . import probes

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("accounts/", include("apps.people.doors")),
    path("enter/<str:token>/", enter, name="enter"),
    path("people/", include("apps.people.urls")),
    path("projects/", include("apps.adoption.urls")),
    path("projects/", include("apps.projects.urls")),
    path("projects/<slug:slug>/wiki/", include("apps.wiki.urls")),
    path("projects/<slug:slug>/results/", include("apps.delivery.result_urls")),
    path("tokens/", include("apps.api.token_urls")),
    path("aws/", include("apps.aws.urls")),
    path("journeys/", include("apps.delivery.urls")),
    path("codepipeline/", include("apps.delivery.rollback_urls")),
    path("approvals/", include("apps.delivery.approval_urls")),
    path("sites/", include("apps.sites.urls")),
    path("deeds/", include("apps.deeds.urls")),
    path("wizard/", include("apps.wizard.urls")),
    path("hooks/<slug:provider>/<int:pk>/", take, name="hook"),
    path("api/", include("apps.api.urls")),
    path("", include("apps.dashboard.urls")),
    *(
        path(f"{config.label}/", include(f"{config.name}.urls"))
        for config in apps.get_app_configs()
        if hasattr(config, "face") and find_spec(f"{config.name}.urls")
    ),
]
handler404 = "apps.dashboard.errors.not_found"
handler403 = "apps.dashboard.errors.denied"
handler500 = "apps.dashboard.errors.broken"
handler400 = "apps.dashboard.errors.bad_request"
# Not one of Django's; allauth looks here for what its own limits answer.
handler429 = "apps.people.limits.too_often"
