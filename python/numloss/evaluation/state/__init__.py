"""Statistics of losses, by group. Nothing here knows of a file or a command."""
