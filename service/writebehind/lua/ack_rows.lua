#!lua flags=allow-oom
-- Some rows of a claim are in PostgreSQL: forget these versions. A product that was written meanwhile goes
-- back to the queue. (ack.lua is the fast way for a whole claim.)
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals
-- ARGV  1 claim  2 rows that SQL changed  3… pairs of id and version
-- Returns the number of versions that this ack retired.
local pending_key, inflight_key, queue_key, backlog_key, totals_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local claim, rows_written = tonumber(ARGV[1]), ARGV[2]
local ids, versions = {}, {}
for i = 3, #ARGV, 2 do
  ids[#ids + 1], versions[#versions + 1] = ARGV[i], ARGV[i + 1]
end

expect(queue_key, 'LLEN')
local done, released, dirty, retired, settled = {}, {}, {}, 0, 0
local has_backlog = redis.call('ZCARD', backlog_key) > 0
for first = 1, #ids, 1000 do
  local last = math.min(first + 999, #ids)
  local pending = redis.call('HMGET', pending_key, unpack(ids, first, last))
  local leases = redis.call('ZMSCORE', inflight_key, unpack(ids, first, last))
  for i = 1, last - first + 1 do
    local id, version, entry = ids[first + i - 1], versions[first + i - 1], pending[i]
    -- A row whose lease ended and that is queued again is left to its next flush, which changes nothing.
    -- If another worker has claimed it since, that claim is void: otherwise a batch that takes longer than
    -- its lease would be written over and over.
    if leases[i] then
      local member = has_backlog and find_in_backlog(backlog_key, id, version)
      if member then
        redis.call('ZREM', backlog_key, member)
        settled = settled + writes_of(backlog_entry(member, id))
      end
      local current = entry and version_of(entry) == version
      if current then
        done[#done + 1] = id
        settled = settled + writes_of(entry)
      end
      local mine = tonumber(leases[i]) == claim
      if mine and entry and not current and not member then
        settled = settled + settle_claimed(pending_key, backlog_key, id, entry)
      end
      if mine or current or member then
        released[#released + 1] = id
        if entry and not current then dirty[#dirty + 1] = id end
      end
      if current or member or (mine and entry) then retired = retired + 1 end
    end
  end
end
in_chunks(done, 1000, function(...) redis.call('HDEL', pending_key, ...) end)
in_chunks(released, 1000, function(...) redis.call('ZREM', inflight_key, ...) end)
in_chunks(dirty, 1000, function(...) redis.call('RPUSH', queue_key, ...) end)
add_to_total(totals_key, 'persisted', retired)
add_to_total(totals_key, 'settled', settled)
add_to_total(totals_key, 'rows_written', rows_written)
add_to_total(totals_key, 'batches', 1)
return retired
