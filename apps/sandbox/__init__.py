"""A simulated, living AWS account on loopback that knows nothing of the dashboard."""
