#!lua
-- Cache a document that was read from PostgreSQL, unless the product was written meanwhile.
--
-- KEYS  1 cache:product:<id>  2 cache:fill:<id>  3 pending  4 config
-- ARGV  1 id  2 token  3 document  4 the process's own cache TTL, s
local cache_key, fill_key, pending_key, config_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, token, document, own_ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if text('GET', fill_key) ~= token then return end
redis.call('DEL', fill_key)
if redis.call('EXISTS', cache_key) == 1 or entry_at('HGET', pending_key, id) then return end
redis.call('SET', cache_key, document, 'EX', cache_ttl(config_key, own_ttl))
