"""Every app with a `face` in the navigation gets its label as URL prefix; the rest is here."""

from importlib.util import find_spec

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from . import probes

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("accounts/", include("apps.dashboard.doors")),
    path("aws/", include("apps.aws.urls")),
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
