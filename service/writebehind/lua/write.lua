#!lua
-- Take one write: assign its version, cache it, make it pending, queue its id, say whether a flush must
-- be signalled. Without the allow-oom flag Redis refuses the whole script when it is out of memory.
--
-- KEYS  1 cache:product:<id>  2 pending  3 queue  4 inflight  5 backlog  6 clock  7 signal  8 totals
--       9 config  10 cache:fill:<id>
-- ARGV  1 id  2 create|update|delete  3 document without created_at, updated_at, version and last brace
--       4 updated_at (ISO 8601)  5 version of the row in PostgreSQL, where the caller looked, else 0
--       6 created_at of that row, else ''  7 policy asked for by this request, else ''
--       8-12 the process's own write_policy, write_coalescing_enabled, max_pending, overflow_policy,
--       cache_ttl_seconds (live settings override them)
-- Returns {'ok', document, 1 if a flush must be signalled} or one of
--       {'write_through'} the caller must write to PostgreSQL first   {'missing'} not in Redis: look there
--       {'gone'} deleted   {'full'} MAX_PENDING reached
local id, operation = ARGV[1], ARGV[2]
local live = redis.call('HMGET', KEYS[9], 'write_policy', 'write_coalescing_enabled', 'max_pending',
  'overflow_policy', 'cache_ttl_seconds')
local policy = ARGV[7] ~= '' and ARGV[7] or live[1] or ARGV[8]
local coalescing = (live[2] or ARGV[9]) == 'true'

if policy == 'write_through' then
  return {'write_through'}
end

local pending = redis.call('HGET', KEYS[2], id)
local created_at, previous = ARGV[4], tonumber(ARGV[5])
if operation ~= 'create' then
  local newest = pending or redis.call('GET', KEYS[1])
  if newest and is_tombstone(newest) then
    return {'gone'}
  elseif not newest and ARGV[6] == '' then
    return {'missing'}
  end
  created_at = newest and string.match(newest, '"created_at":"([^"]*)"') or ARGV[6]
  previous = math.max(previous, newest and tonumber(version_of(newest)) or 0)
end

if not pending or not coalescing then
  local held = redis.call('HLEN', KEYS[2]) + redis.call('ZCARD', KEYS[5])
  if held >= tonumber(live[3] or ARGV[10]) then
    return {(live[4] or ARGV[11]) == 'write_through' and 'write_through' or 'full'}
  end
end

local moment = tick(KEYS[6])
local version = math.max(moment, previous + 1)
local document = ARGV[3] .. ',"created_at":"' .. created_at .. '","updated_at":"' .. ARGV[4]
  .. '","version":' .. digits(version) .. '}'
redis.call('SET', KEYS[1], document, 'EX', live[5] or ARGV[12])
redis.call('DEL', KEYS[10])
redis.call('HINCRBY', KEYS[8], 'accepted', 1)

local claimed_at = tonumber(redis.call('ZSCORE', KEYS[4], id) or '0')
local since = math.max(moment, claimed_at + 1)
if pending and not coalescing then
  redis.call('ZADD', KEYS[5], 0, backlog_member(id, pending))
elseif pending and not in_hand(KEYS[4], KEYS[5], id, pending) then
  -- The window stays that of the first write. (An entry that is being written is not coalesced by this
  -- write: the window begins anew behind it.)
  since = queued_at(pending)
  redis.call('HINCRBY', KEYS[8], 'coalesced', 1)
end
redis.call('HSET', KEYS[2], id, to_entry(document, since, 0))

-- A pending id is queued, claimed or waiting for a retry; a claimed one is queued again by its ack.
if pending or claimed_at > 0 then
  return {'ok', document, 0}
end
redis.call('RPUSH', KEYS[3], id)
return {'ok', document, redis.call('SET', KEYS[7], '1', 'NX') and 1 or 0}
