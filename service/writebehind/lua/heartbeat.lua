#!lua flags=allow-oom
-- Publish the state of a worker. States that have expired, and junk, are removed.
--
-- KEYS  1 workers  2 clock
-- ARGV  1 name of the worker  2 its state, a JSON object without `at`  3 how long a state is valid, µs
local workers_key, clock_key = KEYS[1], KEYS[2]
local name, state, life = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = tick(clock_key)
-- There are never this many workers: it is junk.
if redis.call('HLEN', workers_key) > 1000 then redis.call('UNLINK', workers_key) end
local gone, held = {}, redis.call('HGETALL', workers_key)
for i = 1, #held, 2 do
  local at = tonumber(string.match(held[i + 1], '"at":(%d+)}$', -30) or '0')
  if at + life < now or at > now then gone[#gone + 1] = held[i] end
end
in_chunks(gone, 1000, function(...) redis.call('HDEL', workers_key, ...) end)
redis.call('HSET', workers_key, name, string.sub(state, 1, -2) .. ',"at":' .. digits(now) .. '}')
