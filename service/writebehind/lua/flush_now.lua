#!lua
-- Make everything due that was written up to now.
--
-- KEYS  1 flush_now  2 clock
local _, now = tick(KEYS[2])
redis.call('SET', KEYS[1], now)
