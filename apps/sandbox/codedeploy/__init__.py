"""Simulated CodeDeploy: deployments that move through their targets, fail, and are rolled back."""
