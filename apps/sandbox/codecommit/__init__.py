"""CodeCommit, simulated: repositories with real commits, trees and blobs, and pull requests."""
