"""What every source that runs on shares: retries, breaker, figures, health, a clean stop, logs."""
