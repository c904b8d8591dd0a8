"""The write-behind core: it knows neither Flask nor RQ."""
