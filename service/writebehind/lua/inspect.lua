#!lua flags=no-writes
-- The queue at one moment, at a cost that does not grow with it.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry  5 backlog  6 dlq  7 totals  8 clock
-- ARGV  1 number of items at most
-- Returns {now µs, queue, inflight, retry, backlog and dlq sizes, totals, ids, entries, since}: the oldest
--       ids of the queue, their pending entries, and the first write (µs) of the oldest unpersisted entry
--       among the heads of queue, inflight and retry, or 0 if there is none.
local queue_key, pending_key, inflight_key, retry_key, backlog_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local dlq_key, totals_key, clock_key, limit = KEYS[6], KEYS[7], KEYS[8], ARGV[1]
local now = look_at(clock_key)
local ids = redis.call('LRANGE', queue_key, 0, limit - 1)
local entries = #ids > 0 and redis.call('HMGET', pending_key, unpack(ids)) or {}
local oldest = 0
local function consider(entry)
  local since = entry and queued_at(entry) or 0
  if since > 0 and since <= now and (oldest == 0 or since < oldest) then oldest = since end
end
consider(entries[1])
for _, key in ipairs({inflight_key, retry_key}) do
  local id = redis.call('ZRANGE', key, 0, 0)[1]
  if id then consider(redis.call('HGET', pending_key, id)) end
end
for i = 1, #entries do entries[i] = entries[i] or '' end
local totals, held = {}, redis.call('HGETALL', totals_key)
for i = 1, #held, 2 do
  -- A total that holds junk starts again from zero when it is next counted.
  if string.match(held[i + 1], '^-?%d+$') and #held[i + 1] < 20 then
    totals[#totals + 1], totals[#totals + 2] = held[i], held[i + 1]
  end
end
return {digits(now), redis.call('LLEN', queue_key), redis.call('ZCARD', inflight_key), redis.call('ZCARD', retry_key),
  redis.call('ZCARD', backlog_key), redis.call('LLEN', dlq_key), totals, ids, entries, digits(oldest)}
