#!lua flags=allow-oom
-- Claimed rows failed and may succeed later: count the attempt and let each wait for its next one. A
-- row that something newer has replaced is not tried again; the newer one is queued at once.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals  6 retry  7 clock
-- ARGV  1 claim  2… id, version, attempts so far, wait in µs, in turn
local claim, now = tonumber(ARGV[1]), tick(KEYS[7])
for i = 2, #ARGV, 4 do
  local id, version, attempts, wait = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  if tonumber(redis.call('ZSCORE', KEYS[2], id) or '0') == claim then
    redis.call('ZREM', KEYS[2], id)
    local entry = redis.call('HGET', KEYS[1], id)
    local member = find_in_backlog(KEYS[4], id, version)
    if member then
      local old = backlog_entry(member, id)
      redis.call('ZREM', KEYS[4], member)
      redis.call('ZADD', KEYS[4], 0, backlog_member(id, to_entry(to_document(old), queued_at(old), attempts)))
    elseif entry and version_of(entry) == version then
      redis.call('HSET', KEYS[1], id, to_entry(to_document(entry), queued_at(entry), attempts))
    else
      redis.call('HINCRBY', KEYS[5], 'coalesced', 1)
      if entry then redis.call('RPUSH', KEYS[3], id) end
      entry = nil
    end
    if entry then
      redis.call('ZADD', KEYS[6], digits(now + wait), id)
      redis.call('HINCRBY', KEYS[5], 'retried', 1)
    end
  end
end
