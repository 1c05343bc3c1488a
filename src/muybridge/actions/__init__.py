"""What happens and when: classification, streaming, proposals, detection."""
