#!lua flags=allow-oom
-- Gives up for good items that are not done. ARGV: why (a JSON string), then "items" and ids that were taken before, or
-- "list" and place, payload, place, payload ... of waiting ones, in their order. An item in flight loses its lease,
-- which its worker learns by its next renewal. An item that is gone is left alone. If nothing is left, the batch is
-- over, also without a worker. Answers how many it gave up.
--- @include "keys"
--- @include "clock": time, now, text
--- @include "records": LONG_PAYLOAD, keepPayload, withoutTake, bury
--- @include "batch": batch, loadBatch, observeList, saveBatch
--- @include "end": completeIfDone
loadBatch()
observeList()
local line = 'c' .. text(now) .. ' ' .. ARGV[1] .. '\n'
local count = 0

local function giveUp(id, record)
  bury(id, line .. record, -now)
  count = count + 1
end

local function cancelTaken(id)
  local record = call('HGET', items, id)
  if not record then return end
  local holder = record:match('^%d+ %d+ %d+ (%S+)\n')
  if holder then call('ZREM', leases, id .. ':' .. holder) end
  call('ZREM', delayed, id)
  call('ZREM', suspects, id)
  giveUp(id, withoutTake(record))
end

-- The place of a waiting item is the last id plus its index in the list, from 1. Items that leave the list get the next
-- ids, so the items before them move up by as many places. The ranges of external items move with them
-- (queue/seeder/edit/externalItems.ts).
local function moveRanges(lastId, places)
  local known, ranges = unpack(call('HMGET', batchKey, 'knownUpTo', 'externalRanges'))
  known = tonumber(known or 0)
  if known == 0 then return end
  local marked = {}
  for from, to in (ranges or ''):gmatch('(%d+)-(%d+),') do marked[#marked + 1] = { tonumber(from), tonumber(to) } end
  local beyond = 0
  local moved, kept = {}, {}
  for _, range in ipairs(marked) do
    if range[2] <= lastId then
      kept[#kept + 1] = range
    else
      local before, within = 0, 0
      for i, place in ipairs(places) do
        if place < range[1] then before = before + 1 end
        if place >= range[1] and place <= range[2] then
          within = within + 1
          moved[#moved + 1] = { lastId + i, lastId + i }
        end
      end
      local left = range[2] - math.max(range[1], lastId + 1) + 1 - within
      if range[1] <= lastId then kept[#kept + 1] = { range[1], lastId } end
      local first = math.max(range[1], lastId + 1) + #places - before
      if left > 0 then kept[#kept + 1] = { first, first + left - 1 } end
    end
  end
  for i, place in ipairs(places) do
    if place > known then
      beyond = beyond + 1
      moved[#moved + 1] = { lastId + i, lastId + i }
    end
  end
  for _, range in ipairs(moved) do kept[#kept + 1] = range end
  table.sort(kept, function(a, b) return a[1] < b[1] end)
  local written, last = {}, 0
  for i, range in ipairs(kept) do
    -- Neighbours become one range: there may be a million of them.
    local follows = i > 1 and range[1] <= last + 1
    if follows then written[#written] = nil else written[#written + 1] = text(range[1]) .. '-' end
    last = follows and math.max(last, range[2]) or range[2]
    written[#written + 1] = text(last) .. ','
  end
  call('HSET', batchKey, 'knownUpTo', text(known + beyond), 'externalRanges', table.concat(written))
end

local function cancelWaiting()
  local lastId = batch.lastId
  local places, hole = {}, 'cancelled ' .. text(now) .. time[2]
  for i = 3, #ARGV, 2 do
    local place, payload = tonumber(ARGV[i]), ARGV[i + 1]
    local index = place - lastId - 1
    if index >= 0 and call('LINDEX', list, index) == payload then
      call('LSET', list, index, hole)
      places[#places + 1] = place
      local id = text(lastId + #places)
      giveUp(id, #payload < LONG_PAYLOAD and '\n' .. payload or keepPayload(id, payload))
    end
  end
  if #places == 0 then return end
  call('LREM', list, -#places, hole)
  batch.lastId = lastId + #places
  batch.waiting = batch.waiting - #places
  moveRanges(lastId, places)
end

if ARGV[2] == 'list' then
  cancelWaiting()
else
  for i = 3, #ARGV do cancelTaken(ARGV[i]) end
end
-- An item that a person gave up does not count against `maxFailures`.
batch.deadForgiven = batch.deadForgiven + count
completeIfDone()
saveBatch()
return count
