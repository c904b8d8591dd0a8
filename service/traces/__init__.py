"""Traces: how they arrive (OTLP), where they are kept, and what they tell of a product."""
