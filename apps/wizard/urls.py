"""Addresses of the wizard."""

from django.urls import path

from . import views

app_name = "wizard"
urlpatterns = [
    path("", views.begin, name="begin"),
    path("<int:pk>/", views.bootstrap, name="bootstrap"),
    path("<int:pk>/plan/", views.plan, name="plan"),
    path("<int:pk>/make/", views.make, name="make"),
    path("<int:pk>/again/", views.again, name="again"),
    path("<int:pk>/drop/", views.drop, name="drop"),
    path("<int:pk>/files/", views.files, name="files"),
    path("<int:pk>/undo/", views.undo, name="undo"),
    path("<int:pk>/<slug:name>/", views.step, name="step"),
]
