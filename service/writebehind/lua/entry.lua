-- Shared by every script of this folder: it is put in front of each when they are loaded.
--
-- A *document* is what readers get:      {"id":…, …,"version":V}
-- An *entry* is a document that waits:   {"id":…, …,"version":V,"queued_at":Q,"attempts":A}
-- Both are built here, so their tail is known and matching it is safe: inside a JSON string every
-- quote is escaped, so `"version":` cannot occur there.

local function now_us()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

-- Integers above 2^31 must not go through Lua's own number formatting (it would print 1.7e+15).
local function digits(number)
  return string.format('%.0f', number)
end

-- The next moment of the lab's clock: Redis time, but never the same or an earlier one twice. A version is
-- such a moment, or one more than the product's previous version, where that is later (it was assigned
-- before a FLUSHALL, by a clock that was ahead).
local function tick(clock_key)
  local moment = math.max(tonumber(redis.call('GET', clock_key) or '0') + 1, now_us())
  redis.call('SET', clock_key, digits(moment))
  return moment
end

-- '0' for text that is no document of ours. The version stands in the last 80 characters of both kinds.
local function version_of(text)
  return string.match(text, '"version":(%d+)', -80) or '0'
end

local function is_tombstone(text)
  return string.find(text, '"deleted":true', 1, true) ~= nil
end

local function queued_at(entry)
  return tonumber(string.match(entry, '"queued_at":(%d+),"attempts":%d+}$', -60) or '0')
end

local function to_entry(document, since, attempts)
  return string.sub(document, 1, -2) .. ',"queued_at":' .. digits(since) .. ',"attempts":' .. attempts .. '}'
end

local function to_document(entry)
  return (string.gsub(entry, ',"queued_at":%d+,"attempts":%d+}$', '}'))
end

-- The backlog orders a product's older entries by version: all versions have 16 digits until 2286.
local function backlog_member(id, entry)
  return id .. ':' .. string.format('%016.0f', tonumber(version_of(entry))) .. ':' .. entry
end

local function oldest_in_backlog(backlog_key, id)
  return redis.call('ZRANGEBYLEX', backlog_key, '[' .. id .. ':', '(' .. id .. ';', 'LIMIT', 0, 1)[1]
end

local function backlog_entry(member, id)
  return string.sub(member, #id + 19)
end

-- What is written next of a product: the oldest of its backlog, else its pending entry.
local function next_entry(backlog_key, id, pending)
  local member = oldest_in_backlog(backlog_key, id)
  return member and backlog_entry(member, id) or pending
end

local function find_in_backlog(backlog_key, id, version)
  local prefix = id .. ':' .. string.format('%016.0f', tonumber(version))
  return redis.call('ZRANGEBYLEX', backlog_key, '[' .. prefix .. ':', '(' .. prefix .. ';', 'LIMIT', 0, 1)[1]
end

-- Whether a worker is writing just this entry: it was there when the id was claimed.
local function in_hand(inflight_key, backlog_key, id, entry)
  local claimed_at = tonumber(redis.call('ZSCORE', inflight_key, id) or '0')
  return queued_at(entry) <= claimed_at and not oldest_in_backlog(backlog_key, id)
end

-- Lua can pass some 8,000 values to one call.
local function in_chunks(values, size, act)
  for first = 1, #values, size do
    act(unpack(values, first, math.min(first + size - 1, #values)))
  end
end
