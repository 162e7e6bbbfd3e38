"""Paths of the pages of pipelines; the list of them is the dashboard's home."""

from django.urls import path

from . import views

app_name = "codepipeline"
urlpatterns = [
    path("<int:pk>/", views.pipeline, name="pipeline"),
    path("<int:pk>/executions/", views.executions, name="executions"),
    path("executions/<int:pk>/", views.execution, name="execution"),
]
