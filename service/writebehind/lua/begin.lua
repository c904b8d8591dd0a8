#!lua
-- Begin a write to PostgreSQL (write-through): assign its version, mark it as under way, and remove the cache
-- entry. A value that is never committed is then never seen, and a committed one is never hidden by an old
-- one (see mark.lua).
--
-- KEYS  1 cache:product:<id>  2 pending  3 clock  4 cache:fill:<id>
-- ARGV  1 id  2 create|update|delete  3 what the caller found in PostgreSQL: row, deleted or nowhere, '' if
--       it did not look  4 version found, or 0  5 created_at found, or ''  6 updated_at (ISO 8601)
-- Returns {'ok', version, created_at, removed cache entry or ''}, or {'missing'} or {'gone'} as in write.lua.
local cache_key, pending_key, clock_key, fill_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, operation, state, found = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local created_before, now = ARGV[5], ARGV[6]
local mark, cached, previous, created_at = parse_mark(text('GET', fill_key)), nil, 0, now
if operation ~= 'create' then
  local pending = entry_at('HGET', pending_key, id)
  cached = entry_at('GET', cache_key)
  local answer
  answer, previous, created_at = newest_of(mark, pending, cached, state, found, created_before)
  if answer ~= 'ok' then return {answer} end
end
local moment = tick(clock_key)
local unsettled = mark and mark.version or 0
local version = math.max(moment, previous + 1, unsettled + 1)
-- A new product has no older value that could be cached, so its mark need not last.
set_mark(fill_key, version, moment, unsettled, 'begun', operation ~= 'create')
redis.call('DEL', cache_key)
return {'ok', digits(version), created_at, cached or ''}
