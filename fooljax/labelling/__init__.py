"""A study with people: images whose origin is hidden, what is known of them, and what people called them."""
