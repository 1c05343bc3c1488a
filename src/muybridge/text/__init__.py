"""What is written: CTC decoding, text regions, reading, and text over time."""
