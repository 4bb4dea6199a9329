"""HTTP: errors, schemas, caching, server-sent events and the middlewares."""
