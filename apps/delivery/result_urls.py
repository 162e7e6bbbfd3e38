"""Addresses of what a project tells of its results; below the project's own."""

from django.urls import path

from . import result_views

app_name = "results"
urlpatterns = [
    path("", result_views.results, name="results"),
    path("link/", result_views.link_tracker, name="link_tracker"),
    path("again/", result_views.again, name="again"),
]
