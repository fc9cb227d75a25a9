"""A run as Markdown: for the summary of a CI job, for a comment, for a file."""
