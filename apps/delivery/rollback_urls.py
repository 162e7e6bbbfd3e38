"""Address of the page that plans a rollback; below the pipeline's own."""

from django.urls import path

from . import rollback_views

app_name = "rollback"
urlpatterns = [
    path("<int:pk>/stages/<str:stage>/rollback/", rollback_views.planner, name="planner"),
]
