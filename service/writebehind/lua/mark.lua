-- Shared by the scripts that know of writes to PostgreSQL that are under way: write-through, and letters
-- that were put back. (How it is shared: entry.lua.)
--
-- While one is under way, cache:fill:<id> holds its *mark* instead of a reader's token:
--     writing:<version>:<since>:<earlier>:<begun | doubted>
-- `version` is the newest one begun, `since` a moment of the lab's clock, `earlier` the version of a mark
-- that it replaced and that nobody has settled, else 0. While the mark is there nothing is cached: reads go
-- to PostgreSQL, and answer the newest of what it holds and what is pending. A mark that its writer can't
-- settle any more is resolved by the next read.

-- The string that a command finds; nil where there is none, or the key holds something else.
local function text(...)
  local held = redis.pcall(...)
  return type(held) == 'string' and held or nil
end

-- A cache entry or a pending entry; nil where there is none that is ours.
local function entry_at(...)
  local held = text(...)
  return held and version_of(held) ~= '0' and held or nil
end

local function parse_mark(held)
  local version, since, earlier, stage = string.match(type(held) == 'string' and held or '', '^writing:(%d+):(%d+):(%d+):(%a+)$')
  if version then
    return {version = tonumber(version), since = tonumber(since), earlier = tonumber(earlier), stage = stage}
  end
end

-- A mark that lasts has no TTL: what has one may be evicted, or end early when the wall clock jumps. Where
-- that would do no harm it ends by itself.
local function set_mark(fill_key, version, since, earlier, stage, lasts)
  local mark = 'writing:' .. digits(version) .. ':' .. digits(since) .. ':' .. digits(earlier) .. ':' .. stage
  if lasts then
    redis.call('SET', fill_key, mark)
  else
    redis.call('SET', fill_key, mark, 'PX', 600000)
  end
end

-- The write of this version certainly did not happen: what was there before it is in force again.
local function take_mark_away(fill_key, version)
  local mark = parse_mark(text('GET', fill_key))
  if not mark or mark.version ~= version then return end
  if mark.earlier > 0 then
    set_mark(fill_key, mark.earlier, mark.since, 0, 'begun', true)
  else
    redis.call('DEL', fill_key)
  end
end

-- What an update or a delete is about: the newest of what Redis holds and what its caller found in
-- PostgreSQL (`state` row, deleted or nowhere; '' where it did not look). Returns 'ok', version and
-- created_at, or 'missing' where PostgreSQL must be asked first, or 'gone'.
local function newest_of(mark, pending, cached, state, version, created_at)
  local held = pending
  if cached and (not held or tonumber(version_of(cached)) > tonumber(version_of(held))) then held = cached end
  if state == '' and (mark or not held) then return 'missing' end
  local held_version = held and tonumber(version_of(held)) or 0
  if held and held_version >= version then
    if is_tombstone(held) then return 'gone' end
    return 'ok', held_version, string.match(held, '"created_at":"([^"]*)"') or created_at
  end
  if state ~= 'row' then return 'gone' end
  return 'ok', version, created_at
end

-- A key of ours that holds another type holds nothing of ours.
local function drop_unless(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end

-- s; the live setting, where it is one that makes sense, else the process's own.
local function cache_ttl(config_key, own)
  return within(text('HGET', config_key, 'cache_ttl_seconds'), 31536000) or own
end

-- Make `document` the pending entry in place of `old`, an older one. One that a worker is writing is not
-- coalesced by that: the window begins anew behind it.
local function replace_pending(pending_key, inflight_key, backlog_key, totals_key, id, old, document)
  local since = queued_at(old)
  if in_hand(inflight_key, backlog_key, id, old) then
    since = tonumber(redis.call('ZSCORE', inflight_key, id)) + 1
  else
    add_to_total(totals_key, 'coalesced', 1)
  end
  redis.call('HSET', pending_key, id, to_entry(document, since, 0))
end

-- `document` is in PostgreSQL: an older pending entry is replaced by it, so that no read can find the old
-- one; flushing it again changes nothing. Returns whether it is the newest known.
local function supersede(pending_key, inflight_key, backlog_key, totals_key, id, version, document)
  local pending = entry_at('HGET', pending_key, id)
  if pending and tonumber(version_of(pending)) < version then
    add_to_total(totals_key, 'accepted', 1)
    replace_pending(pending_key, inflight_key, backlog_key, totals_key, id, pending, document)
    return true
  end
  return not pending or tonumber(version_of(pending)) == version
end
