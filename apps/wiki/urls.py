"""Addresses below a project's wiki. `new` and `preview` are no page's: see `writing.RESERVED`."""

from django.urls import path

from . import views

app_name = "wiki"
urlpatterns = [
    path("", views.readme, name="readme"),
    path("new/", views.new, name="new"),
    path("preview/", views.preview, name="preview"),
    path("<slug:page>/", views.page, name="page"),
    path("<slug:page>/edit/", views.edit, name="edit"),
    path("<slug:page>/history/", views.history, name="history"),
    path("<slug:page>/history/<int:number>/", views.revision, name="revision"),
    path("<slug:page>/remove/", views.remove, name="remove"),
    path("<slug:page>/put-back/", views.put_back, name="put_back"),
]
