#!lua flags=allow-oom
-- A script met a key that holds something else than it should: take such keys away. What was in them is lost
-- already.
--
-- KEYS  any     ARGV  the type that each should have
-- Returns the keys that were taken away.
local gone = {}
for i, key in ipairs(KEYS) do
  local held = redis.call('TYPE', key).ok
  if held ~= 'none' and held ~= ARGV[i] then
    redis.call('UNLINK', key)
    gone[#gone + 1] = key
  end
end
return gone
