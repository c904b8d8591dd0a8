#!lua flags=allow-oom
-- Give claimed rows back untried, to the head of the queue: PostgreSQL is out of reach.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals
-- ARGV  1 claim  2… id and version, in turn
local claim = tonumber(ARGV[1])
for i = #ARGV - 1, 2, -2 do
  local id, version = ARGV[i], ARGV[i + 1]
  if tonumber(redis.call('ZSCORE', KEYS[2], id) or '0') == claim then
    redis.call('ZREM', KEYS[2], id)
    local entry = redis.call('HGET', KEYS[1], id)
    if entry then
      redis.call('LPUSH', KEYS[3], id)
      if version_of(entry) ~= version and not find_in_backlog(KEYS[4], id, version) then
        redis.call('HINCRBY', KEYS[5], 'coalesced', 1)
      end
    end
  end
end
