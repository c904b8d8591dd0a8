"""A product's life as it is told afterwards: what is known of its writes, and the words for it."""
