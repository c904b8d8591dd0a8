"""Renderers: events in; a terminal, plain lines or JSON out."""
