-- Takes back expired leases: members and deadlines.
local MAX_RECLAIM_BYTES = 4 * 1024 * 1024
-- A lease that ran out in a silence is no loss: nobody can know that the item did it. Where nothing proves that Redis was
-- away, a lone worker that its item kills looks the same, so that is believed of an item this often.
local UNPROVEN_SILENCES = 2
-- Times that workers vanished, a lease apart, and items they did it on, before that is the end of the batch.
local VANISHED_ITEMS = 3
local VANISHED = { 'vanishedSince', 'vanishedItems', 'vanishedFirst', 'vanishedAt' }

local function silencesOf(record)
  local _, count = ('\n' .. headOf(record)):gsub('\nr%d+ silence', '')
  return count
end

local function isExcused(record)
  return batch.silenceProven == 1 or silencesOf(record) < UNPROVEN_SILENCES
end

--- @include "at-work"
-- Where items were done, the last few may as well end by their own losses: that takes few restarts, and names each.
local function areFewLeft()
  return batch.waiting + call('ZCARD', leases) + call('ZCARD', delayed) + call('ZCARD', suspects) <= VANISHINGS
end

-- Workers that vanish on every item end the batch, instead of restarting for days. A node that dies takes many at once: that
-- counts once. Counted since an item was last done.
local function onVanished(firstTimers)
  for i, value in ipairs(call('HMGET', batchKey, unpack(VANISHED))) do batch[VANISHED[i]] = tonumber(value or 0) end
  local done = call('HLEN', results) - call('ZCARD', dead)
  if batch.vanishedSince ~= done then
    batch.vanishedSince, batch.vanishings, batch.vanishedItems, batch.vanishedFirst = done, 0, 0, now
  end
  if math.abs(now - batch.vanishedAt) >= request.lease then
    batch.vanishings = batch.vanishings + 1
    batch.vanishedAt = now
  end
  batch.vanishedItems = batch.vanishedItems + firstTimers
  for _, field in ipairs(VANISHED) do call('HSET', batchKey, field, text(batch[field])) end
  local isEnough = batch.vanishings >= VANISHINGS and batch.vanishedItems >= VANISHED_ITEMS
  if isEnough and not (done > 0 and areFewLeft()) and oldestInFlight() >= batch.vanishedFirst - request.lease then
    endBatch('aborted', 'workers vanish: ' .. batch.vanishings .. ' times in a row, on ' .. batch.vanishedItems
      .. ' items, they ended without a word, and no item was done ' .. (done > 0 and 'since' or 'ever')
      .. ': see their logs, and whether they run out of memory')
  end
end

local function reclaim(expired)
  local hasVanished, firstTimers, bytes = false, 0, 0
  for i = 1, #expired, 2 do
    local member, deadline = expired[i], tonumber(expired[i + 1])
    local id = member:match('^%d+')
    bytes = bytes + call('HSTRLEN', items, id)
    if i > 1 and bytes > MAX_RECLAIM_BYTES then break end
    local record = call('HGET', items, id)
    local heard = deadline - request.lease * 0.8
    local ms = math.max(0, heard - startOf(record))
    local isSilent = deadline <= batch.reclaimAfter
    call('ZREM', leases, member)
    if not (isSilent and batch.silenceProven == 1) then
      local _, losses = attemptCounts(record)
      if losses == 0 and silencesOf(record) == 0 then firstTimers = firstTimers + 1 end
      hasVanished = true
    end
    if isSilent and isExcused(record) then
      local _, losses = attemptCounts(record)
      reschedule(id, 'r' .. text(ms) .. ' silence\n' .. record, losses > 0, now)
    else
      lose(id, record, 'l' .. text(now) .. ' ' .. text(heard) .. '\n', request.maxLosses, request.lease)
    end
  end
  if hasVanished then onVanished(firstTimers) end
end
