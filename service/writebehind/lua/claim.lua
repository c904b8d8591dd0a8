#!lua flags=allow-oom
-- Claim the products that are due under a lease, in the order of their first writes. Before that, claims whose
-- lease has ended and retries that are due go to the head of the queue. The lab's clock never goes back, so a
-- time further ahead than anything may wait is junk or from a lost clock, and counts as due.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry  5 backlog  6 clock  7 flush_now  8 totals
-- ARGV  1 rows at most  2 delay of a first write, µs  3 lease, µs  4 longest wait for a retry, µs
-- Returns {claim, wait, ids, versions, entries}. `claim` identifies the lease. If nothing is due, `wait` is
--       the time in µs until something will be, or -1 if nothing is queued or waits for a retry.
local queue_key, pending_key, inflight_key, retry_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local backlog_key, clock_key, flush_now_key, totals_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local limit, delay, lease, longest_wait = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now, claim = tick(clock_key)

local function outside(key, low, high)
  local found = redis.call('ZRANGEBYSCORE', key, '-inf', digits(low), 'LIMIT', 0, limit)
  local ahead = redis.call('ZRANGEBYSCORE', key, '(' .. digits(high), '+inf', 'LIMIT', 0, limit)
  for _, id in ipairs(ahead) do found[#found + 1] = id end
  return found
end

-- An entry dated in the future, redated to just before this claim.
local function brought_back(entry)
  return with_times(entry, now - 1, string.match(entry, '"attempts":(%d+)', -200))
end

local function to_the_head(source, ids)
  in_chunks(ids, 1000, function(...)
    redis.call('ZREM', source, ...)
    redis.call('LPUSH', queue_key, ...)
  end)
end

-- Every key is read before anything is changed: one of the wrong type ends the script here.
local ended = outside(inflight_key, now - lease, now)
local retries = outside(retry_key, now, now + longest_wait)
local has_backlog = redis.call('ZCARD', backlog_key) > 0
expect(queue_key, 'LLEN', pending_key, 'HLEN')
if has_backlog then
  -- The set is ordered by member only while all scores are equal.
  redis.call('ZREMRANGEBYSCORE', backlog_key, '-inf', '(0')
  redis.call('ZREMRANGEBYSCORE', backlog_key, '(0', '+inf')
end
for _, id in ipairs(ended) do
  -- The claimed entry will never be acknowledged; one that was written behind it replaces it.
  local entry = next_entry(backlog_key, id, redis.call('HGET', pending_key, id))
  if entry and queued_at(entry) > tonumber(redis.call('ZSCORE', inflight_key, id)) then
    add_to_total(totals_key, 'coalesced', 1)
  end
end
to_the_head(inflight_key, ended)
to_the_head(retry_key, retries)

local forced = redis.pcall('GET', flush_now_key)
local forced_until = type(forced) == 'string' and tonumber(forced) or 0
if not (forced_until <= now) then forced_until = 0 end

-- An entry has to wait if its first write came after this moment, and not in the future.
local due_until = math.max(now - delay, forced_until)
local queued = redis.call('LRANGE', queue_key, 0, limit - 1)
local ids, versions, entries, members, wait, passed = {}, {}, {}, {}, -1, 0
local seen = {}
for first = 1, #queued, 1000 do
  local last = math.min(first + 999, #queued)
  local pending = redis.call('HMGET', pending_key, unpack(queued, first, last))
  for i = 1, last - first + 1 do
    local id, entry = queued[first + i - 1], pending[i]
    local since = entry and queued_at(entry)
    if since and since > due_until and since <= now then
      wait = since + delay - now
      break
    end
    passed = passed + 1
    -- An id without an entry, or one that comes twice, is a leftover.
    if entry and not seen[id] then
      seen[id] = true
      if since > now then
        entry = brought_back(entry)
        redis.call('HSET', pending_key, id, entry)
      end
      local version, member
      if has_backlog then entry, version, member = next_version(backlog_key, id, entry) end
      if member and queued_at(entry) > now then
        entry = brought_back(entry)
        redis.call('ZREM', backlog_key, member)
        redis.call('ZADD', backlog_key, 0, backlog_member(id, entry))
      end
      local at = #ids + 1
      ids[at], versions[at], entries[at] = id, version or version_of(entry), entry
      members[2 * at - 1], members[2 * at] = claim, id
    end
  end
  if wait >= 0 then break end
end

if passed > 0 then
  redis.call('LPOP', queue_key, passed)
end
in_chunks(members, 2000, function(...) redis.call('ZADD', inflight_key, ...) end)

if #ids == 0 then
  if passed > 0 then wait = 0 end
  local retry = redis.call('ZRANGE', retry_key, 0, 0, 'WITHSCORES')
  if retry[2] and (wait < 0 or tonumber(retry[2]) - now < wait) then
    wait = math.max(0, tonumber(retry[2]) - now)
  end
end
return {#ids > 0 and claim or '0', wait, ids, versions, entries}
