"""Runs as tables for other programs: CSV, JSON, Parquet, Arrow, and OpenMetrics for dashboards."""
