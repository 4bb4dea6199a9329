"""The tickets service: tickets for sale."""
