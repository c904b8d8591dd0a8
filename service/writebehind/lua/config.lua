#!lua flags=no-writes
-- The settings that were changed live, names and values in turn.
--
-- KEYS  1 config
local config_key = KEYS[1]
return redis.call('HGETALL', config_key)
