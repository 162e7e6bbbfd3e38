"""Paths of CloudFormation's pages, below /cloudformation/."""

from django.urls import path

from . import views

app_name = "cloudformation"
urlpatterns = [
    path("", views.stacks, name="stacks"),
    path("stacks/<int:pk>/", views.stack, name="stack"),
    path("stacks/<int:pk>/events/", views.events, name="events"),
    path("stacks/<int:pk>/template/", views.template, name="template"),
    path("stacks/<int:pk>/drift/", views.drift, name="drift"),
]
