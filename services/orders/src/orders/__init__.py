"""The orders service: reservations of tickets."""
