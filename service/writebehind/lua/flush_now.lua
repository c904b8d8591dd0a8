#!lua
-- Make everything that was written so far due.
--
-- KEYS  1 flush_now  2 clock
local flush_now_key, clock_key = KEYS[1], KEYS[2]
local _, now = tick(clock_key)
redis.call('SET', flush_now_key, now)
