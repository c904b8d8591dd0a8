"""Every call of a Lua script: its keys, its arguments and what its reply means.

Only this package spells KEYS and ARGV, in the order in which the first lines of the script name them (a test
compares the two). `script` knows their text, `runner` runs one on Redis; the other modules hold one function
for each script:

- `writing`: a write is taken (write-behind), or a dead letter is put back
- `caching`: a product is read, or written to PostgreSQL first (write-through)
- `flushing`: a worker claims pending entries and says what became of them
- `observing`: the queue, the workers and the live settings are looked at
"""
