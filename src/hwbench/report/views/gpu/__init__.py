"""TODO report.views.gpu."""
