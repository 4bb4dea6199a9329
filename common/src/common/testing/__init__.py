"""Test support: a pytest plugin that runs a service on real servers."""
