"""Addresses of the API; whatever is not one of them answers JSON too."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from .doors import guard_all, nothing_here
from .v1 import api

patterns, app, namespace = api.urls

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include((guard_all(patterns), app), namespace=namespace)),
    re_path(r"^", nothing_here),
]
