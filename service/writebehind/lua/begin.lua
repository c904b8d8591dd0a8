#!lua
-- Begin a write to PostgreSQL (write-through): assign its version and take the cache entry away, so that
-- a value that is never committed is never seen, and one that is committed is never hidden by an old one.
--
-- KEYS  1 cache:product:<id>  2 pending  3 clock  4 cache:fill:<id>
-- ARGV  1 id  2 create|update|delete  3 version of the row in PostgreSQL, else 0  4 its created_at, else ''
--       5 updated_at (ISO 8601)  6 for how long readers may not fill the cache, ms
-- Returns {'ok', version, created_at}, {'missing'} or {'gone'}, as in write.lua.
local id, created_at, previous = ARGV[1], ARGV[5], tonumber(ARGV[3])
if ARGV[2] ~= 'create' then
  local newest = redis.call('HGET', KEYS[2], id) or redis.call('GET', KEYS[1])
  if newest and is_tombstone(newest) then
    return {'gone'}
  elseif not newest and ARGV[4] == '' then
    return {'missing'}
  end
  created_at = newest and string.match(newest, '"created_at":"([^"]*)"') or ARGV[4]
  previous = math.max(previous, newest and tonumber(version_of(newest)) or 0)
end
local version = math.max(tick(KEYS[3]), previous + 1)
redis.call('SET', KEYS[4], 'writing', 'PX', ARGV[6])
redis.call('DEL', KEYS[1])
return {'ok', digits(version), created_at}
