"""Addresses of the inbox of approvals."""

from django.urls import path

from . import approval_views

app_name = "approvals"
urlpatterns = [
    path("", approval_views.inbox, name="inbox"),
    path("seen/", approval_views.seen, name="seen"),
]
