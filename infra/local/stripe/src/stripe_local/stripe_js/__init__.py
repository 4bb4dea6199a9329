"""Stripe.js and its frames, as the browser loads them."""
