"""Paths of CloudWatch's pages, below /cloudwatch/."""

from django.urls import path

from . import views

app_name = "cloudwatch"
urlpatterns = [
    path("", views.alarms, name="alarms"),
    path("alarms/<int:pk>/", views.alarm, name="alarm"),
    path("metrics/", views.metrics, name="metrics"),
    path("metrics/of/<str:kind>/<int:pk>/", views.metrics_of, name="metrics_of"),
    path("logs/", views.log_groups, name="log_groups"),
    path("logs/<str:look>/<int:number>/", views.lines, name="lines"),
    path("logs/<int:pk>/", views.log_group, name="log_group"),
]
