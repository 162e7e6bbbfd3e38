"""Paths of the pages of instances, Auto Scaling groups and load balancers, below /ec2/."""

from django.urls import path

from . import views

app_name = "ec2"
urlpatterns = [
    path("instances/", views.instances, name="instances"),
    path("instances/<int:pk>/", views.instance, name="instance"),
    path("groups/", views.groups, name="groups"),
    path("groups/<int:pk>/", views.group, name="group"),
    path("load-balancers/", views.load_balancers, name="load_balancers"),
    path("load-balancers/<int:pk>/", views.load_balancer, name="load_balancer"),
    # A target group has no list of its own; the one it is near is marked in the navigation.
    path("load-balancers/target-groups/<int:pk>/", views.target_group, name="target_group"),
]
