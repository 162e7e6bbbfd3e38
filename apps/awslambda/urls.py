"""Paths of Lambda's pages, below /awslambda/."""

from django.urls import path

from . import views

app_name = "awslambda"
urlpatterns = [
    path("", views.functions, name="functions"),
    path("functions/<int:pk>/", views.function, name="function"),
]
