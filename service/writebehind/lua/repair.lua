#!lua flags=allow-oom
-- A script met a key of the wrong type: delete such keys. What they should hold is lost already.
--
-- KEYS  any  ARGV  the type that each should have
-- Returns the keys that were deleted.
local gone = {}
for i, key in ipairs(KEYS) do
  local held = redis.call('TYPE', key).ok
  if held ~= 'none' and held ~= ARGV[i] then
    redis.call('UNLINK', key)
    gone[#gone + 1] = key
  end
end
return gone
