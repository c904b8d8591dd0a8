#!lua flags=allow-oom
-- A write to PostgreSQL certainly did not happen: take its mark away, unless another began meanwhile.
--
-- KEYS  1 cache:fill:<id>
-- ARGV  1 version
take_mark_away(KEYS[1], tonumber(ARGV[1]))
