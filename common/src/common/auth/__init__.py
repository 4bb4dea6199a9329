"""Session cookies: access tokens, revoked sessions and the signed-in user of a request."""
