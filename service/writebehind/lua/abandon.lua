#!lua flags=allow-oom
-- A write to PostgreSQL certainly did not happen. Remove its mark, unless another write began meanwhile, and
-- put back what begin.lua took out of the cache.
--
-- KEYS  1 cache:product:<id>  2 cache:fill:<id>  3 config
-- ARGV  1 version  2 document that was cached, or ''  3 the process's own cache TTL, s
local cache_key, fill_key, config_key = KEYS[1], KEYS[2], KEYS[3]
local version, document, own_ttl = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local mark = parse_mark(text('GET', fill_key))
if mark and mark.version == version and mark.earlier == 0 and document ~= '' then
  redis.call('SET', cache_key, document, 'EX', cache_ttl(config_key, own_ttl))
end
take_mark_away(fill_key, version)
