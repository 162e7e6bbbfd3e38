"""Addresses of the pages that connect sites; all of them are for administrators."""

from django.urls import path

from . import views

app_name = "sites"
urlpatterns = [
    path("", views.sites, name="sites"),
    path("new/<slug:provider>/", views.connect, name="connect"),
    path("<int:pk>/", views.site, name="site"),
    path("<int:pk>/edit/", views.edit, name="edit"),
    path("<int:pk>/test/", views.test, name="test"),
    path("<int:pk>/sweep/", views.sweep, name="sweep"),
    path("<int:pk>/webhook/", views.webhook, name="webhook"),
    path("<int:pk>/remove/", views.remove, name="remove"),
    path("tests/<str:token>/", views.trial_page, name="trial"),
    path("tests/<str:token>/save/", views.trial_save, name="trial_save"),
]
