#!lua flags=no-writes
-- The queue at one moment, at a cost that does not grow with it.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry  5 backlog  6 dlq  7 totals  8 clock
-- ARGV  1 items at most
-- Returns {now µs, queue, inflight, retry, backlog and dlq sizes, totals, ids, entries, since}: the oldest
--       ids of the queue, their pending entries, and the first write (µs) of the oldest unpersisted entry
--       among the heads of queue, inflight and retry, 0 where nothing is unpersisted.
local ids = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
local entries = #ids > 0 and redis.call('HMGET', KEYS[2], unpack(ids)) or {}
local oldest = 0
local function consider(entry)
  local since = entry and queued_at(entry) or 0
  if since > 0 and (oldest == 0 or since < oldest) then oldest = since end
end
consider(entries[1])
for _, key in ipairs({KEYS[3], KEYS[4]}) do
  local id = redis.call('ZRANGE', key, 0, 0)[1]
  if id then consider(redis.call('HGET', KEYS[2], id)) end
end
for i = 1, #entries do entries[i] = entries[i] or '' end
return {digits(look_at(KEYS[8])), redis.call('LLEN', KEYS[1]), redis.call('ZCARD', KEYS[3]), redis.call('ZCARD', KEYS[4]),
  redis.call('ZCARD', KEYS[5]), redis.call('LLEN', KEYS[6]), redis.call('HGETALL', KEYS[7]), ids, entries,
  digits(oldest)}
