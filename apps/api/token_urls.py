"""Addresses of the pages of API tokens."""

from django.urls import path

from . import token_views

app_name = "tokens"
urlpatterns = [
    path("", token_views.own, name="own"),
    path("everybody/", token_views.everybody, name="everybody"),
    path("<int:pk>/revoke/", token_views.revoke, name="revoke"),
]
