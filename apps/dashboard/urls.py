"""Paths of home, health, search, sign-in links and the stream."""

from django.urls import path

from . import enter, panels, stream, views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("health/", views.health, name="health"),
    path("ages", views.ages, name="ages"),
    path("linked/<str:kind>/<int:pk>/", panels.linked, name="linked"),
    path("search", views.search_page, name="search"),
    path("enter/<str:token>/", enter.enter, name="enter"),
    path("live/stream", stream.stream, name="stream"),
]
