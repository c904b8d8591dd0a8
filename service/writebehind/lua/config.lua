#!lua flags=no-writes
-- The settings that were changed live, names and values in turn.
--
-- KEYS  1 config
return redis.call('HGETALL', KEYS[1])
