#!lua flags=allow-oom
-- The claimed versions are in PostgreSQL: forget them, unless something newer has come meanwhile, which
-- goes back to the queue.
--
-- KEYS  1 pending  2 inflight  3 queue  4 backlog  5 totals
-- ARGV  1 claim  2 rows that SQL changed  3… id and version, in turn
-- Returns the number of versions that this ack retired.
local claim = tonumber(ARGV[1])
local ids = {}
for i = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end

local done, released, dirty, retired = {}, {}, {}, 0
local has_backlog = redis.call('ZCARD', KEYS[4]) > 0
for first = 1, #ids, 1000 do
  local last = math.min(first + 999, #ids)
  local pending = redis.call('HMGET', KEYS[1], unpack(ids, first, last))
  local leases = redis.call('ZMSCORE', KEYS[2], unpack(ids, first, last))
  for i = 1, last - first + 1 do
    local id, version, entry = ids[first + i - 1], ARGV[2 * (first + i) ], pending[i]
    -- A row whose lease ended and that is queued again is left to its next flush, which changes nothing.
    -- Where another worker has claimed it since, that claim is void: otherwise a batch that takes longer
    -- than its lease would be written over and over.
    if leases[i] then
      local member = has_backlog and find_in_backlog(KEYS[4], id, version)
      if member then redis.call('ZREM', KEYS[4], member) end
      local current = entry and version_of(entry) == version
      if current then done[#done + 1] = id end
      local mine = tonumber(leases[i]) == claim
      if mine or current or member then
        released[#released + 1] = id
        if entry and not current then dirty[#dirty + 1] = id end
      end
      if current or member or (mine and entry) then retired = retired + 1 end
    end
  end
end
in_chunks(done, 1000, function(...) redis.call('HDEL', KEYS[1], ...) end)
in_chunks(released, 1000, function(...) redis.call('ZREM', KEYS[2], ...) end)
in_chunks(dirty, 1000, function(...) redis.call('RPUSH', KEYS[3], ...) end)
redis.call('HINCRBY', KEYS[5], 'persisted', retired)
redis.call('HINCRBY', KEYS[5], 'rows_written', ARGV[2])
redis.call('HINCRBY', KEYS[5], 'batches', 1)
return retired
