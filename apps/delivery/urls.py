"""Addresses of journeys."""

from django.urls import path

from . import views

app_name = "delivery"
urlpatterns = [
    path("commit/<str:commit_id>/", views.commit, name="commit"),
    path("panel/<str:kind>/<int:pk>/", views.panel, name="panel"),
    path("<str:kind>/<int:pk>/", views.row, name="row"),
]
