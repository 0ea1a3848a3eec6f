"""The core's clock under load."""
