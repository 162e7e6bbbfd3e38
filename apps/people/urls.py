"""Addresses of a person's own pages, and of the administrators' pages of everybody."""

from django.urls import path

from . import team, views

app_name = "people"
urlpatterns = [
    path("", team.people, name="people"),
    path("new/", team.new, name="new"),
    path("me/", views.me, name="me"),
    path("me/security/", views.security, name="security"),
    path("me/sessions/<int:pk>/end/", views.end_session, name="end_session"),
    path("me/sessions/end-others/", views.end_others, name="end_others"),
    path("<int:pk>/", team.person, name="person"),
    path("<int:pk>/<slug:name>/", team.deed, name="deed"),
]
