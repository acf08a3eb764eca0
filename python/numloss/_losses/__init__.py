"""The losses, a module for each family."""
