#!lua flags=allow-oom
-- Move claimed rows from the pending entries to the dead letter queue, in one step, so that no failure can
-- drop one. The cache entry is removed too, unless it holds something newer.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals  6 dlq  7… for each row, cache:product:<id>
--       and cache:fill:<id>
-- ARGV  1 claim  2… for each row, id, version and letter (JSON)
-- Returns how many became dead letters; the others were replaced by something newer, or are not claimed any more.
local pending_key, inflight_key, queue_key, backlog_key, totals_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local dlq_key, claim = KEYS[6], tonumber(ARGV[1])
drop_unless(dlq_key, 'list')
expect(queue_key, 'LLEN', pending_key, 'HLEN', backlog_key, 'ZCARD')
local given_up = 0
for row = 0, (#ARGV - 1) / 3 - 1 do
  local id, version, letter = unpack(ARGV, 3 * row + 2, 3 * row + 4)
  local cache_key, fill_key = KEYS[2 * row + 7], KEYS[2 * row + 8]
  if tonumber(redis.call('ZSCORE', inflight_key, id) or '0') == claim then
    local entry = redis.call('HGET', pending_key, id)
    local member = find_in_backlog(backlog_key, id, version)
    local current = entry and version_of(entry) == version
    if current or member then
      -- Push first: if that fails, the script ends here, and the claim comes back when its lease ends.
      redis.call('RPUSH', dlq_key, letter)
      add_to_total(totals_key, 'dead_lettered', 1)
      add_to_total(totals_key, 'given_up', 1)
      given_up = given_up + 1
      add_to_total(totals_key, 'settled', writes_of(member and backlog_entry(member, id) or entry))
    else
      add_to_total(totals_key, 'coalesced', 1)
    end
    redis.call('ZREM', inflight_key, id)
    if current then redis.call('HDEL', pending_key, id) end
    if member then redis.call('ZREM', backlog_key, member) end
    local cached = text('GET', cache_key)
    if not cached or version_of(cached) == version then redis.call('DEL', cache_key) end
    -- A dead letter that was put back has a mark until it reaches PostgreSQL.
    take_mark_away(fill_key, tonumber(version))
    forget_what_was_cached(fill_key)
    if entry and not current then redis.call('RPUSH', queue_key, id) end
  end
end
return given_up
