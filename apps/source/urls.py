"""Paths of the pages of source, below /source/."""

from django.urls import path

from . import views

app_name = "source"
urlpatterns = [
    path("", views.repositories, name="repositories"),
    path("repositories/<int:pk>/", views.repository, name="repository"),
    path("branches/<int:pk>/", views.branch, name="branch"),
    path("commits/", views.commits, name="commits"),
    path("commits/<int:pk>/", views.commit, name="commit"),
    path("commits/<int:pk>/changes/", views.commit_changes, name="commit_changes"),
    path("pull-requests/", views.pull_requests, name="pull_requests"),
    path("pull-requests/<int:pk>/", views.pull_request, name="pull_request"),
    path("pull-requests/<int:pk>/changes/", views.pull_changes, name="pull_changes"),
]
