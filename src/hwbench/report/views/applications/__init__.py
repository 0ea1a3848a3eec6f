"""TODO report.views.applications."""
