"""The write-behind core. It knows neither Flask nor RQ.

The model: Redis takes a write and acknowledges it; a worker brings it to PostgreSQL later.

- A write makes its product *dirty*: one script makes its entry *pending* (a hash), *queues* its id once, and
  caches it. A later write of the product replaces the pending entry (*coalescing*).
- Every write has a *version*, which rises with each write of its product. Redis and PostgreSQL only ever
  replace a version by a newer one, so any step may be repeated.
- A worker *claims* ids under a *lease*, upserts the entries in one statement, then *acks* them. An ack
  removes an entry only if it is the version that was written; a newer one is queued again.
- What fails waits for a *retry*, then becomes a *dead letter*. With coalescing off, older entries of a
  product wait in its *backlog*.
- Under *write-through*, PostgreSQL is written first; a *mark* in Redis sends readers there meanwhile.

What survives what: a killed API or worker loses nothing, since leases end and claims come back; a PostgreSQL
outage only pauses flushing. What Redis forgets (FLUSHALL, a crash without persistence) is lost if it was not
flushed yet, although it was acknowledged: this is the price of write-behind.
"""
