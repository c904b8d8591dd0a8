#!lua flags=no-writes
-- The queue at one moment, at a cost that does not grow with it.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry  5 backlog  6 dlq  7 totals  8 clock
-- ARGV  1 number of items at most
-- Returns {now µs, queue, pending, inflight, retry, backlog and dlq sizes, totals, ids, entries, since}: the
--       oldest ids of the queue, their pending entries, and the first write (µs) of the oldest unpersisted
--       entry among the heads of queue, inflight and retry, or 0 if there is none.
local queue_key, pending_key, inflight_key, retry_key, backlog_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local dlq_key, totals_key, clock_key, limit = KEYS[6], KEYS[7], KEYS[8], ARGV[1]
local now = look_at(clock_key)
local ids = redis.call('LRANGE', queue_key, 0, limit - 1)
local entries = #ids > 0 and redis.call('HMGET', pending_key, unpack(ids)) or {}
local oldest = 0
local function consider(id, entry, claimed_at)
  local next = id and next_entry(backlog_key, id, entry)
  -- A claimed entry may have been replaced: then all that is known is that it is older than its claim.
  local since = next and math.min(queued_at(next), claimed_at or 7.3e15) or 0
  if since > 0 and since <= now and (oldest == 0 or since < oldest) then oldest = since end
end
consider(ids[1], entries[1])
local claim, retry = redis.call('ZRANGE', inflight_key, 0, 0, 'WITHSCORES'), redis.call('ZRANGE', retry_key, 0, 0)
consider(claim[1], claim[1] and redis.call('HGET', pending_key, claim[1]), tonumber(claim[2]))
consider(retry[1], retry[1] and redis.call('HGET', pending_key, retry[1]))
for i = 1, #entries do entries[i] = entries[i] or '' end
local totals, held = {}, redis.call('HGETALL', totals_key)
for i = 1, #held, 2 do
  -- A total that holds junk starts again from zero when it is next counted.
  if string.match(held[i + 1], '^-?%d+$') and #held[i + 1] < 20 then
    totals[#totals + 1], totals[#totals + 2] = held[i], held[i + 1]
  end
end
return {digits(now), redis.call('LLEN', queue_key), redis.call('HLEN', pending_key), redis.call('ZCARD', inflight_key),
  redis.call('ZCARD', retry_key), redis.call('ZCARD', backlog_key), redis.call('LLEN', dlq_key), totals, ids, entries,
  digits(oldest)}
