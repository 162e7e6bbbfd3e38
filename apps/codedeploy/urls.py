"""Paths of CodeDeploy's pages, below /codedeploy/."""

from django.urls import path

from . import views

app_name = "codedeploy"
urlpatterns = [
    path("", views.deployments, name="deployments"),
    path("deployments/<int:pk>/", views.deployment, name="deployment"),
    path("deployments/<int:pk>/appspec/", views.appspec, name="appspec"),
    path("applications/<int:pk>/", views.application, name="application"),
    path("groups/", views.deployment_groups, name="deployment_groups"),
    path("groups/<int:pk>/", views.deployment_group, name="deployment_group"),
    path("configurations/", views.deployment_configs, name="deployment_configs"),
    path("on-premises/", views.on_premises_instances, name="on_premises_instances"),
    path("on-premises/<int:pk>/", views.on_premises_instance, name="on_premises_instance"),
]
