"""Text as a terminal shows it: wrapping, tables, figures, marks."""
