#!lua flags=allow-oom
-- Queue every pending product again, where nothing is queued, claimed or waiting although something is
-- pending: somebody deleted a key, or a script ended in the middle. It costs what is pending, and only then.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry
-- Returns how many were queued.
if redis.call('LLEN', KEYS[1]) + redis.call('ZCARD', KEYS[3]) + redis.call('ZCARD', KEYS[4]) > 0 then
  return 0
end
local orphans = redis.call('HKEYS', KEYS[2])
in_chunks(orphans, 1000, function(...) redis.call('RPUSH', KEYS[1], ...) end)
return #orphans
