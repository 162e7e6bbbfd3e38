"""Addresses of the pages that connect accounts."""

from django.urls import path

from . import event_views, views

app_name = "aws"
urlpatterns = [
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/new/", views.connect, name="connect"),
    path("accounts/<int:pk>/", views.account, name="account"),
    path("accounts/<int:pk>/edit/", views.edit, name="edit"),
    path("accounts/<int:pk>/test/", views.test, name="test"),
    path("accounts/<int:pk>/sweep/", views.sweep, name="sweep"),
    path("accounts/<int:pk>/remove/", views.remove, name="remove"),
    path("tests/<str:token>/", views.trial_page, name="trial"),
    path("tests/<str:token>/save/", views.trial_save, name="trial_save"),
    path("events/", event_views.events, name="events"),
    path("events/<int:pk>/", event_views.place, name="place_events"),
    path("events/<int:pk>/queue/", event_views.queue, name="place_queue"),
    path("events/<int:pk>/test/", event_views.test, name="place_test"),
    path("events/<int:pk>/template.<str:form>", event_views.template, name="place_template"),
    path("policy.json", views.policy, name="policy"),
]
