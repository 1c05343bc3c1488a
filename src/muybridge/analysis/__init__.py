"""What models cost, and what their features say."""
