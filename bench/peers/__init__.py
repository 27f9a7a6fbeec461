"""What a team would use instead of creditgate, set up as a good engineer would: see README.md."""
