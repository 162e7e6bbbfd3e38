"""Addresses of proposals and of what projects hold, beside those of projects."""

from django.urls import path

from . import panels, resources_views, views

app_name = "adoption"
urlpatterns = [
    path("proposals/", views.proposals, name="proposals"),
    path("proposals/tag/", views.tag, name="tag"),
    path("proposals/<int:pk>/", views.decide, name="decide"),
    path("in/<str:kind>/<int:pk>/", panels.in_projects, name="in_projects"),
    path("in/<str:kind>/<int:pk>/change/", panels.change, name="change"),
    path("<slug:slug>/resources/", resources_views.resources, name="resources"),
    path("<slug:slug>/resources/link/", resources_views.link, name="link"),
    path("<slug:slug>/resources/unlink/", resources_views.unlink, name="unlink"),
]
