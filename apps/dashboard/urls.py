"""Paths of home, health, search and the stream."""

from django.urls import path

from . import panels, running, stream, views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("running/", running.running, name="running"),
    path("health/", views.health, name="health"),
    path("ages", views.ages, name="ages"),
    path("hindered", views.hindered, name="hindered"),
    path("linked/<str:kind>/<int:pk>/", panels.linked, name="linked"),
    path("search", views.search_page, name="search"),
    path("live/stream", stream.stream, name="stream"),
]
