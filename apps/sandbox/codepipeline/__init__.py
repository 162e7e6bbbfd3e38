"""Simulated CodePipeline: definitions, executions that move by themselves, and what people do."""
