"""Providers: wire mapping and transport of each model family."""
