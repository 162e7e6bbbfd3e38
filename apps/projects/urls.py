"""Addresses of projects. `new` and the like are no project's: see `slugs.RESERVED`."""

from django.urls import path

from . import activity_views, page, settings_views, team, views

app_name = "projects"
urlpatterns = [
    path("", views.projects, name="projects"),
    path("new/", settings_views.new, name="new"),
    path("deeds/", views.deeds, name="deeds"),
    path("join/<str:token>/", team.join, name="join"),
    path("<slug:slug>/", page.project, name="project"),
    path("<slug:slug>/head/", page.head, name="head"),
    path("<slug:slug>/tiles/<slug:name>/", page.tile, name="tile"),
    path("<slug:slug>/layout/", page.layout, name="layout"),
    path("<slug:slug>/activity/", activity_views.activity, name="activity"),
    path("<slug:slug>/team/", team.team, name="team"),
    path("<slug:slug>/team/add/", team.add_member, name="add_member"),
    path("<slug:slug>/team/<int:user_id>/role/", team.change_member, name="change_member"),
    path("<slug:slug>/team/<int:user_id>/remove/", team.remove_member, name="remove_member"),
    path("<slug:slug>/team/invite/", team.invite, name="invite"),
    path("<slug:slug>/team/invitations/<int:pk>/withdraw/", team.withdraw, name="withdraw"),
    path("<slug:slug>/settings/", settings_views.settings, name="settings"),
    path("<slug:slug>/delete/", settings_views.delete, name="delete"),
]
