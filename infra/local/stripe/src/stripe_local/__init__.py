"""A local server that speaks Stripe's API, for development and for tests."""
