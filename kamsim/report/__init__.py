"""Reports: tables, figures and scenario files for people to read."""
