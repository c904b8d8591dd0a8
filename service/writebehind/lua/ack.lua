#!lua flags=allow-oom
-- All rows of a claim are in PostgreSQL: forget them at once. A product that was written meanwhile has a
-- pending entry later than the claim; that product goes back to the queue.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals
-- ARGV  1 claim  2 rows that SQL changed  3… all ids of the claim
-- Returns the number of versions that this ack retired, or -1 if nothing was done and ack_rows.lua must be
--       used: a lease of the claim has ended, or the backlog holds older entries.
local pending_key, inflight_key, queue_key, backlog_key, totals_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local claim, rows_written = ARGV[1], ARGV[2]
if redis.call('ZCOUNT', inflight_key, claim, claim) ~= #ARGV - 2 or redis.call('ZCARD', backlog_key) > 0 then
  return -1
end
expect(queue_key, 'LLEN')
local claimed_at, done, dirty, retired, settled = tonumber(claim), {}, {}, 0, 0
for first = 3, #ARGV, 1000 do
  local last = math.min(first + 999, #ARGV)
  local pending = redis.call('HMGET', pending_key, unpack(ARGV, first, last))
  for i = 1, last - first + 1 do
    local id, entry = ARGV[first + i - 1], pending[i]
    if entry then
      local since, writes = queued_at(entry)
      if since <= claimed_at then
        done[#done + 1] = id
      else
        dirty[#dirty + 1] = id
        writes = settle_claimed(pending_key, backlog_key, id, entry)
      end
      retired, settled = retired + 1, settled + writes
    end
  end
end
in_chunks(dirty, 1000, function(...) redis.call('RPUSH', queue_key, ...) end)
in_chunks(done, 1000, function(...) redis.call('HDEL', pending_key, ...) end)
redis.call('ZREMRANGEBYSCORE', inflight_key, claim, claim)
add_to_total(totals_key, 'persisted', retired)
add_to_total(totals_key, 'settled', settled)
add_to_total(totals_key, 'rows_written', rows_written)
add_to_total(totals_key, 'batches', 1)
return retired
