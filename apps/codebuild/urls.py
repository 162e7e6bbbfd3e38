"""Paths of CodeBuild's pages, below /codebuild/."""

from django.urls import path

from . import views

app_name = "codebuild"
urlpatterns = [
    path("", views.projects, name="projects"),
    path("projects/<int:pk>/", views.project, name="project"),
    path("builds/", views.builds, name="builds"),
    path("builds/<int:pk>/", views.build, name="build"),
    path("builds/<int:pk>/log/", views.log, name="log"),
    path("builds/<int:pk>/log.txt", views.log_download, name="log_download"),
]
