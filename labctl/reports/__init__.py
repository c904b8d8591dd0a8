"""Reports of a run: one page, a comment for a pull request, JSON, JUnit XML, and charts for a terminal."""
