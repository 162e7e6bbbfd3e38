"""What stacks really make: a type's operations are called as CloudFormation calls them at AWS."""
