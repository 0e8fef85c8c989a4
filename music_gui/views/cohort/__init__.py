"""The cohort: import of maps, its report, and the participants."""
