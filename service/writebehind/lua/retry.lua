#!lua flags=allow-oom
-- Claimed rows failed and may succeed later: count the attempt and let each wait for the next one. A row that
-- was replaced by something newer is not tried again; the newer one is queued at once.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals  6 retry  7 clock
-- ARGV  1 claim  2… for each row, id, version, attempts so far, and wait in µs
-- Returns how many will be tried again.
local pending_key, inflight_key, queue_key, backlog_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local totals_key, retry_key, clock_key = KEYS[5], KEYS[6], KEYS[7]
local claim, now = tonumber(ARGV[1]), tick(clock_key)
expect(queue_key, 'LLEN', pending_key, 'HLEN', backlog_key, 'ZCARD', retry_key, 'ZCARD')
local retried = 0
for i = 2, #ARGV, 4 do
  local id, version, attempts, wait = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  if tonumber(redis.call('ZSCORE', inflight_key, id) or '0') == claim then
    redis.call('ZREM', inflight_key, id)
    local entry = redis.call('HGET', pending_key, id)
    local member = find_in_backlog(backlog_key, id, version)
    if member then
      local old = backlog_entry(member, id)
      redis.call('ZREM', backlog_key, member)
      redis.call('ZADD', backlog_key, 0, backlog_member(id, with_times(old, queued_at(old), attempts)))
    elseif entry and version_of(entry) == version then
      redis.call('HSET', pending_key, id, with_times(entry, queued_at(entry), attempts))
    else
      add_to_total(totals_key, 'coalesced', 1)
      if entry then redis.call('RPUSH', queue_key, id) end
      entry = nil
    end
    if entry then
      redis.call('ZADD', retry_key, digits(now + wait), id)
      add_to_total(totals_key, 'retried', 1)
      retried = retried + 1
    end
  end
end
return retried
