"""Simulated compute: EC2 instances and Auto Scaling groups, load balancers, Lambda, and ECS.

Other simulated services deploy onto it through plain functions: :mod:`machines` (launch, stop, tag
filters), :mod:`groups` (scaling, replacement groups), :mod:`balancers` (register, deregister,
target health), :mod:`functions` (publish a version, shift an alias), :mod:`containers` (task
definitions, task sets) and :mod:`rolling` (rolling deployments).
"""
