"""What a team writes about its project: pages in Markdown, with every earlier text."""
