#!lua flags=allow-oom
-- Whether anything is queued, claimed under a lease that has ended, or due for a retry (see claim.lua).
--
-- KEYS  1 queue  2 inflight  3 retry  4 clock
-- ARGV  1 lease, µs  2 longest wait for a retry, µs
-- Returns 1 or 0.
local queue_key, inflight_key, retry_key, clock_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lease, longest_wait = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = tick(clock_key)
local function count(key, low, high)
  return redis.call('ZCOUNT', key, '-inf', digits(low)) + redis.call('ZCOUNT', key, '(' .. digits(high), '+inf')
end
local ended, due = count(inflight_key, now - lease, now), count(retry_key, now, now + longest_wait)
return (redis.call('LLEN', queue_key) + ended + due > 0) and 1 or 0
