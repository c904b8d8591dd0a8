#!lua
-- Take one write: assign its version, cache it, make it pending, queue its id, say whether a flush must
-- be signalled. Without the allow-oom flag Redis refuses the whole script when it is out of memory.
--
-- KEYS  1 cache:product:<id>  2 pending  3 queue  4 inflight  5 backlog  6 clock  7 signal  8 totals
--       9 config  10 cache:fill:<id>
-- ARGV  1 id  2 create|update|delete  3 document without created_at, updated_at, version and last brace
--       4 updated_at (ISO 8601)  5 version found in PostgreSQL, else 0  6 created_at found, else ''
--       7 what the caller found there: row, deleted or nowhere, '' where it did not look
--       8 policy asked for by this request, else ''  9-13 the process's own write_policy,
--       write_coalescing_enabled, max_pending, overflow_policy, cache_ttl_seconds (live settings override them)
-- Returns {'ok', document, 1 if a flush must be signalled} or one of
--       {'write_through'} the caller must write to PostgreSQL first   {'missing'} not in Redis: look there
--       {'gone'} deleted   {'full'} MAX_PENDING reached
local id, operation = ARGV[1], ARGV[2]
local live = redis.call('HMGET', KEYS[9], 'write_policy', 'write_coalescing_enabled', 'max_pending',
  'overflow_policy', 'cache_ttl_seconds')
local policy = ARGV[8] ~= '' and ARGV[8] or live[1] or ARGV[9]
local coalescing = (live[2] or ARGV[10]) == 'true'

if policy == 'write_through' then
  return {'write_through'}
end

local pending = redis.call('HGET', KEYS[2], id)
local mark = parse_mark(text('GET', KEYS[10]))
local created_at, previous = ARGV[4], 0
if operation ~= 'create' then
  local cached = not pending and entry_at('GET', KEYS[1])
  local answer
  answer, previous, created_at = newest_of(mark, pending, cached, ARGV[7], tonumber(ARGV[5]), ARGV[6])
  if answer ~= 'ok' then return {answer} end
end

if not pending or not coalescing then
  local held = redis.call('HLEN', KEYS[2]) + redis.call('ZCARD', KEYS[5])
  if held >= tonumber(live[3] or ARGV[11]) then
    return {(live[4] or ARGV[12]) == 'write_through' and 'write_through' or 'full'}
  end
end

local moment = tick(KEYS[6])
local version = math.max(moment, previous + 1, mark and mark.version + 1 or 0)
local document = ARGV[3] .. ',"created_at":"' .. created_at .. '","updated_at":"' .. ARGV[4]
  .. '","version":' .. digits(version) .. '}'
redis.call('SET', KEYS[1], document, 'EX', live[5] or ARGV[13])
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
