#!lua flags=allow-oom
-- Queue pending products that are neither queued nor claimed nor waiting for a retry, because someone deleted a
-- key or planted junk. While the places add up to the products, this does nothing and costs next to nothing.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry  5 backlog  6 clock
-- ARGV  1 cursor of an unfinished look, or 0  2 roughly how many products to look at
-- Returns {how many were queued, cursor}: look again if the cursor is not '0'.
local queue_key, pending_key, inflight_key = KEYS[1], KEYS[2], KEYS[3]
local retry_key, backlog_key, clock_key = KEYS[4], KEYS[5], KEYS[6]
local cursor, slice = ARGV[1], tonumber(ARGV[2])
local now = look_at(clock_key)
local queued = redis.call('LLEN', queue_key)
local claimed, retrying = redis.call('ZCARD', inflight_key), redis.call('ZCARD', retry_key)
local pending, kept = redis.call('HLEN', pending_key), redis.call('ZCARD', backlog_key)
local orphans = {}

local function members_of(list_key)
  local members = {}
  for _, id in ipairs(redis.call('LRANGE', list_key, 0, -1)) do members[id] = true end
  return function(id) return members[id] end
end

-- For a long queue, which is in the order of first writes: what is older than its head is not in it. (If it is out
-- of order, a product is queued twice, which does no harm; a younger one is found by a later look.)
local function at_least_as_young_as_its_head(list_key, entries_key, latest)
  local head = redis.call('HGET', entries_key, redis.call('LINDEX', list_key, 0))
  local first = head and queued_at(head) or latest
  return function(_, entry)
    local since = queued_at(entry)
    return since >= first and since <= latest
  end
end

if pending == 0 and kept > 0 then
  -- The newest entries are gone; older entries in the backlog are all that is left.
  for _, member in ipairs(redis.call('ZRANGE', backlog_key, 0, slice - 1)) do
    local id, version = string.match(member, '^([^:]*):(%d+):')
    if id and #version == 16 then
      redis.call('HSET', pending_key, id, backlog_entry(member, id))
      orphans[#orphans + 1] = id
    end
    redis.call('ZREM', backlog_key, member)
  end
elseif pending > queued + claimed + retrying then
  local is_queued = queued <= slice and members_of(queue_key)
    or at_least_as_young_as_its_head(queue_key, pending_key, now)
  local found = redis.call('HSCAN', pending_key, cursor, 'COUNT', slice)
  cursor = found[1]
  for i = 1, #found[2], 2 do
    local id = found[2][i]
    if not is_queued(id, found[2][i + 1]) and not redis.call('ZSCORE', inflight_key, id)
      and not redis.call('ZSCORE', retry_key, id) then
      orphans[#orphans + 1] = id
    end
  end
else
  cursor = '0'
end
in_chunks(orphans, 1000, function(...) redis.call('RPUSH', queue_key, ...) end)
return {#orphans, cursor}
