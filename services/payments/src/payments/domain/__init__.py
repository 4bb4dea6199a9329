"""The rules of payments: orders, attempts and charges, as pure functions."""
