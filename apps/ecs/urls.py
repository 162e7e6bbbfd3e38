"""Paths of ECS's pages, below /ecs/."""

from django.urls import path

from . import views

app_name = "ecs"
urlpatterns = [
    path("", views.services, name="services"),
    path("clusters/<int:pk>/", views.cluster, name="cluster"),
    path("services/<int:pk>/", views.service, name="service"),
    path("task-definitions/<int:pk>/", views.task_definition, name="task_definition"),
]
