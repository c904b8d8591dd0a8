#!lua flags=allow-oom
-- Move claimed rows to the dead letter queue, in one step with taking them off the pending entries, so
-- that no failure in between can drop one. The cache entry goes too, unless it holds something newer.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals  6 dlq  7… cache:product:<id> of each row
-- ARGV  1 claim  2… id, version, letter (JSON), in turn
local claim = tonumber(ARGV[1])
for i = 2, #ARGV, 3 do
  local id, version, letter, cache = ARGV[i], ARGV[i + 1], ARGV[i + 2], KEYS[7 + (i - 2) / 3]
  if tonumber(redis.call('ZSCORE', KEYS[2], id) or '0') == claim then
    local entry = redis.call('HGET', KEYS[1], id)
    local member = find_in_backlog(KEYS[4], id, version)
    local current = entry and version_of(entry) == version
    if current or member then
      -- First the push: should it fail, the script ends here, and the claim comes back by its lease.
      redis.call('RPUSH', KEYS[6], letter)
      redis.call('HINCRBY', KEYS[5], 'dead_lettered', 1)
    else
      redis.call('HINCRBY', KEYS[5], 'coalesced', 1)
    end
    redis.call('ZREM', KEYS[2], id)
    if current then redis.call('HDEL', KEYS[1], id) end
    if member then redis.call('ZREM', KEYS[4], member) end
    local cached = redis.call('GET', cache)
    if cached and version_of(cached) == version then redis.call('DEL', cache) end
    if entry and not current then redis.call('RPUSH', KEYS[3], id) end
  end
end
