"""CloudFormation, simulated: stacks of any template come up, fail and go back by themselves."""
