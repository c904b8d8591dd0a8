#!lua
-- Take one write: assign its version, cache it, make it pending, queue its id, and say whether a flush must be
-- signalled. Without the allow-oom flag, Redis refuses the whole script when it is out of memory.
--
-- KEYS  1 cache:product:<id>  2 pending  3 queue  4 inflight  5 backlog  6 clock  7 signal  8 totals
--       9 config  10 cache:fill:<id>
-- ARGV  1 id  2 create|update|delete; the id of a create is new, so nothing is known of it
--       3 document without created_at, updated_at, version and last brace  4 updated_at (ISO 8601)
--       5 version found in PostgreSQL, or 0  6 created_at found, or ''
--       7 what the caller found there: row, deleted or nowhere, '' if it did not look
--       8 policy that this request asked for, or ''  9-13 the process's own write_policy,
--       write_coalescing_enabled, max_pending, overflow_policy, cache_ttl_seconds (live settings override them)
--       14 traceparent, or ''
-- Returns {'ok', document, 1 if a flush must be signalled, 2 if it was coalesced}, and if it was and has a
--       traceparent, the version and the traceparent of the entry that it replaced; or one of
--       {'write_through'} the caller must write to PostgreSQL first   {'gone'} deleted
--       {'missing'} not in Redis, or PostgreSQL is being written: look there   {'full'} MAX_PENDING reached
local cache_key, pending_key, queue_key, inflight_key, backlog_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local clock_key, signal_key, totals_key, config_key, fill_key = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local id, operation, head, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local found, created_before, state, asked_policy = tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]
local policy, coalescing, limit, overflow, ttl = ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local trace = ARGV[14]

if redis.call('EXISTS', config_key) == 1 then
  -- Invalid values are ignored here, as in the processes.
  local live = redis.pcall('HMGET', config_key, 'write_policy', 'write_coalescing_enabled', 'max_pending',
    'overflow_policy', 'cache_ttl_seconds')
  policy = one_of(live[1], 'write_behind', 'write_through') or policy
  coalescing = one_of(live[2], 'true', 'false') or coalescing
  limit = within(live[3], 100000000) or limit
  overflow = one_of(live[4], 'reject', 'write_through') or overflow
  ttl = within(live[5], 31536000) or ttl
end
if asked_policy ~= '' then policy = asked_policy end
if policy == 'write_through' then
  return {'write_through'}
end
coalescing = coalescing == 'true'

local created_at, previous, pending, known, claimed_at, held = now, 0, false, false, 0, false
if operation ~= 'create' then
  pending, held = redis.call('HGET', pending_key, id), redis.pcall('GET', fill_key)
  local mark = held and parse_mark(held)
  -- A junk entry keeps its place in the queue, but says nothing about the product.
  known = pending and version_of(pending) ~= '0' and pending
  local cached = not known and entry_at('GET', cache_key)
  local answer
  answer, previous, created_at = newest_of(mark, known, cached, state, found, created_before)
  if answer ~= 'ok' then return {answer} end
  if mark then previous = math.max(previous, mark.version) end
  claimed_at = tonumber(redis.call('ZSCORE', inflight_key, id) or '0')
end

if not pending or not coalescing then
  local waiting = redis.call('HLEN', pending_key) + redis.call('ZCARD', backlog_key)
  if waiting >= tonumber(limit) then return {overflow == 'write_through' and 'write_through' or 'full'} end
  if waiting == 0 then
    -- So no write is in Redis alone, whatever became of those that were.
    local held = redis.pcall('HMGET', totals_key, 'accepted', 'settled')
    if held[1] ~= held[2] then redis.call('HSET', totals_key, 'settled', held[1] or 0) end
  end
end

local moment, version = tick(clock_key)
local since = version
if previous >= moment then version = digits(previous + 1) end
-- An entry that is written behind a claim is always later than the claim.
if claimed_at >= moment and claimed_at < 7.3e15 then since = digits(claimed_at + 1) end
local being_written = pending and claimed_at > 0 and in_hand(inflight_key, backlog_key, id, pending)
-- If the queue's key holds another type, the next step fails before anything was changed; later steps can't fail.
-- A pending id is queued, claimed or waiting for a retry; a claimed one is queued again by its ack.
local signal = 0
if not pending and claimed_at == 0 then
  -- If others were queued, a flush was signalled already.
  if redis.call('RPUSH', queue_key, id) == 1 and redis.call('SET', signal_key, '1', 'NX') then signal = 1 end
end
add_to_total(totals_key, 'accepted', 1)
local tail, reply = '1', {'ok', false, signal}
if pending and not coalescing then
  redis.call('ZADD', backlog_key, 0, backlog_member(id, pending))
elseif pending then
  -- The entry stands for the writes of the one that it replaces, too.
  local before, writes, rest = queued_at(pending)
  local claimed
  if not known then writes = 0 end
  if being_written then
    -- It is not coalesced: this write begins a new window behind it.
    claimed = writes
  else
    -- The window stays that of the first write.
    since = digits(before)
    add_to_total(totals_key, 'coalesced', 1)
    if claimed_at > 0 then claimed = string.match(rest, '^,"claimed":(%d+)') end
    reply[3] = 2
    if trace ~= '' then
      reply[4], reply[5] = version_of(pending), string.match(rest, '"traceparent":"([%x-]+)"$') or ''
    end
  end
  tail = writes + 1 .. (claimed and ',"claimed":' .. claimed or '')
end
if trace ~= '' then tail = tail .. ',"traceparent":"' .. trace .. '"' end
if held then redis.call('DEL', fill_key) end
local document = head .. ',"created_at":"' .. created_at .. '","updated_at":"' .. now .. '","version":' .. version
redis.call('HSET', pending_key, id, document .. ',"queued_at":' .. since .. ',"attempts":0,"writes":' .. tail .. '}')
reply[2] = document .. '}'
redis.call('SET', cache_key, reply[2], 'EX', ttl)
return reply
