"""Paths of Elastic Beanstalk's pages, below /beanstalk/."""

from django.urls import path

from . import views

app_name = "beanstalk"
urlpatterns = [
    path("", views.environments, name="environments"),
    path("environments/<int:pk>/", views.environment, name="environment"),
    path("applications/", views.applications, name="applications"),
    path("applications/<int:pk>/", views.application, name="application"),
]
