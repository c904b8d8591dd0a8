#!lua flags=allow-oom
-- Claim the products that are due, oldest first write first, under a lease. Claims whose lease has
-- ended and retries that are due go to the head of the queue first.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry  5 backlog  6 clock  7 flush_now  8 totals
-- ARGV  1 rows at most  2 delay of a first write, µs  3 lease, µs
-- Returns {claim, wait, ids, versions, entries}: `claim` identifies the lease; where nothing is due,
--       `wait` is the time in µs until something will be, -1 where nothing is queued or to be retried.
local limit, delay, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tick(KEYS[6])

local function to_the_head(source, ids)
  in_chunks(ids, 1000, function(...)
    redis.call('ZREM', source, ...)
    redis.call('LPUSH', KEYS[1], ...)
  end)
end
local ended = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', digits(now - lease), 'LIMIT', 0, limit)
for _, id in ipairs(ended) do
  -- Nobody will say any more what became of the claimed entry; what was written behind it replaces it.
  local entry = next_entry(KEYS[5], id, redis.call('HGET', KEYS[2], id))
  if entry and queued_at(entry) > tonumber(redis.call('ZSCORE', KEYS[3], id)) then
    redis.call('HINCRBY', KEYS[8], 'coalesced', 1)
  end
end
to_the_head(KEYS[3], ended)
to_the_head(KEYS[4], redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', digits(now), 'LIMIT', 0, limit))

local forced_until = tonumber(redis.call('GET', KEYS[7]) or '0')
local queued = redis.call('LRANGE', KEYS[1], 0, limit - 1)
local ids, versions, entries, wait, passed = {}, {}, {}, -1, 0
local seen, members = {}, {}
local has_backlog = redis.call('ZCARD', KEYS[5]) > 0
local claim
for first = 1, #queued, 1000 do
  local last = math.min(first + 999, #queued)
  local pending = redis.call('HMGET', KEYS[2], unpack(queued, first, last))
  local leases = redis.call('ZMSCORE', KEYS[3], unpack(queued, first, last))
  for i = 1, last - first + 1 do
    local id, entry = queued[first + i - 1], pending[i]
    if entry then
      local since = queued_at(entry)
      if since + delay > now and since > forced_until then
        wait = since + delay - now
        break
      end
    end
    passed = passed + 1
    -- An id without an entry, or already claimed, is a leftover: the ack of its claim looks after it.
    if entry and not leases[i] and not seen[id] then
      seen[id] = true
      local member = has_backlog and oldest_in_backlog(KEYS[5], id)
      entry = member and backlog_entry(member, id) or entry
      claim = claim or digits(now)
      ids[#ids + 1], versions[#versions + 1], entries[#entries + 1] = id, version_of(entry), entry
      members[#members + 1] = claim
      members[#members + 1] = id
    end
  end
  if wait >= 0 then break end
end

if passed > 0 then
  redis.call('LPOP', KEYS[1], passed)
end
in_chunks(members, 2000, function(...) redis.call('ZADD', KEYS[3], ...) end)

if #ids == 0 then
  if passed > 0 then wait = 0 end
  local retry = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
  if retry[2] and (wait < 0 or tonumber(retry[2]) - now < wait) then
    wait = math.max(0, tonumber(retry[2]) - now)
  end
end
return {claim or '0', wait, ids, versions, entries}
