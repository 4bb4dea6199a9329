"""Test cards, card validation and amounts."""
