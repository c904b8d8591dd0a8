#!lua flags=allow-oom
-- PostgreSQL can't be reached: give claimed rows back untried, to the head of the queue.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals
-- ARGV  1 claim  2… pairs of id and version
local pending_key, inflight_key, queue_key, backlog_key, totals_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local claim = tonumber(ARGV[1])
expect(queue_key, 'LLEN', pending_key, 'HLEN', backlog_key, 'ZCARD')
for i = #ARGV - 1, 2, -2 do
  local id, version = ARGV[i], ARGV[i + 1]
  if tonumber(redis.call('ZSCORE', inflight_key, id) or '0') == claim then
    redis.call('ZREM', inflight_key, id)
    local entry = redis.call('HGET', pending_key, id)
    if entry then
      redis.call('LPUSH', queue_key, id)
      if version_of(entry) ~= version and not find_in_backlog(backlog_key, id, version) then
        add_to_total(totals_key, 'coalesced', 1)
      end
    end
  end
end
