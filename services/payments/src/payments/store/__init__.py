"""Charges, copies of orders, and processed webhook events in MongoDB."""
