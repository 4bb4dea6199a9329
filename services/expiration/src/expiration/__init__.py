"""The expiration service: deadlines of orders."""
