-- Functions for scripts that deal with writes to PostgreSQL under way: write-through, and dead letters that
-- were put back. (entry.lua says how they are shared.)
--
-- While one is under way, cache:fill:<id> holds its *mark* instead of a reader's token:
--     writing:<version>:<since>:<earlier>:<begun | doubted>
-- `version` is the newest one begun, `since` a moment of the lab's clock, `earlier` the version of an unsettled
-- mark that this one replaced, or 0 (1: of an unknown version). While the mark exists, nothing is cached: reads
-- go to PostgreSQL and return the newer of its row and the pending entry. If the writer can't settle its mark
-- any more, the next read resolves it.

-- The string that a command returns, or nil if there is none or the key holds another type.
local function text(...)
  local held = redis.pcall(...)
  return type(held) == 'string' and held or nil
end

-- A cache entry or a pending entry, or nil if there is none or it is junk.
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

-- A mark that lasts has no TTL: a key with one may be evicted, or expire early when the wall clock jumps. A mark
-- whose loss does no harm expires by itself.
local function set_mark(fill_key, version, since, earlier, stage, lasts)
  local mark = 'writing:' .. digits(version) .. ':' .. digits(since) .. ':' .. digits(earlier) .. ':' .. stage
  if lasts then
    redis.call('SET', fill_key, mark)
  else
    redis.call('SET', fill_key, mark, 'PX', 600000)
  end
end

-- The write of this version certainly did not happen: restore the mark that it replaced, if any.
local function take_mark_away(fill_key, version)
  local mark = parse_mark(text('GET', fill_key))
  if not mark or mark.version ~= version then return end
  if mark.earlier > 0 then
    set_mark(fill_key, mark.earlier, mark.since, 0, 'begun', true)
  else
    redis.call('DEL', fill_key)
  end
end

-- If the write under way fails, what was cached before it must not be put back: the next read looks instead.
local function forget_what_was_cached(fill_key)
  local mark = parse_mark(text('GET', fill_key))
  if mark and mark.earlier == 0 then
    set_mark(fill_key, mark.version, mark.since, 1, mark.stage, true)
  end
end

-- What an update or a delete applies to: the newest of what Redis holds and what the caller found in
-- PostgreSQL (`state` is row, deleted or nowhere; '' if it did not look). Returns 'ok', version and
-- created_at, or 'missing' if the caller must look in PostgreSQL first, or 'gone'.
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

-- Delete one of our keys if it holds another type: none of our data is in it.
local function drop_unless(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end

-- The cache TTL in s: the live setting if it is valid, otherwise the process's own.
local function cache_ttl(config_key, own)
  return within(text('HGET', config_key, 'cache_ttl_seconds'), 31536000) or own
end

-- Replace `old`, an older pending entry, by `document`, which stands for `writes`, those of `old` included.
-- If a worker is writing `old`, it is not coalesced, and the new entry has a window of its own.
local function replace_pending(pending_key, inflight_key, backlog_key, totals_key, id, old, document, writes, trace)
  local since, claimed = queued_at(old), 0
  local claimed_at = redis.call('ZSCORE', inflight_key, id)
  if in_hand(inflight_key, backlog_key, id, old) then
    since, claimed = tonumber(claimed_at) + 1, writes_of(old)
  else
    if claimed_at then claimed = claimed_of(old) end
    add_to_total(totals_key, 'coalesced', 1)
  end
  redis.call('HSET', pending_key, id, to_entry(document, since, 0, writes, claimed, trace))
end

-- `document` is in PostgreSQL. It replaces an older pending entry, so that no read finds the old one; flushing
-- it again changes nothing. The writes of the old one are settled, unless a worker has yet to say so. Returns
-- whether it is the newest version known.
local function supersede(pending_key, inflight_key, backlog_key, totals_key, id, version, document)
  local pending = entry_at('HGET', pending_key, id)
  if pending and tonumber(version_of(pending)) < version then
    add_to_total(totals_key, 'accepted', 1)
    local old = writes_of(pending)
    local kept = redis.call('ZSCORE', inflight_key, id) and old or 0
    add_to_total(totals_key, 'settled', old - kept)
    replace_pending(pending_key, inflight_key, backlog_key, totals_key, id, pending, document, kept + 1, '')
    return true
  end
  return not pending or tonumber(version_of(pending)) == version
end
