"""Workspaces as files: what a tenant has, written down, checked and applied."""
