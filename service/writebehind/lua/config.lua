#!lua flags=no-writes
-- The settings that were changed live: name, value, …
--
-- KEYS  1 config
local config_key = KEYS[1]
return redis.call('HGETALL', config_key)
