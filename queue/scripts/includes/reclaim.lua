-- Takes back expired leases: members and deadlines. A deadline with a fraction says that the item was begun. An item
-- that was not begun, as far as is known, is not to blame; Redis is told before it is begun the next time.
--- @needs clock (now, text), batch (batch), records (headOf, recordOf, attemptCounts, startOf, reschedule, lose)
local MAX_RECLAIM_BYTES = 4 * 1024 * 1024
-- A lease that ran out in a silence is no loss: nobody can know that the item did it. Without proof that Redis was
-- away, an item that kills the only worker looks the same. So an item is excused only this many times; and in all,
-- since one may take Redis with it, or end workers before they begin it.
local UNPROVEN_SILENCES, EXCUSES = 2, 10

local function excusesOf(record, why)
  local _, count = ('\n' .. headOf(record)):gsub('\nr%d+ ' .. why .. '\n', '\n')
  return count
end

--- @include "judge": heardAt, judgeVanished
local function reclaim(expired)
  local hasVanished, firstTimers, longestMs, bytes = false, 0, 0, 0
  local function takeAway(id, record, deadline)
    local heard = heardAt(deadline)
    local ms = math.max(0, heard - startOf(record))
    local isSilent = deadline <= batch.reclaimAfter
    local isBegun = deadline % 1 > 0
    local isProven = batch.silenceProven == 1
    local _, losses = attemptCounts(record)
    local silences = excusesOf(record, 'silence')
    local mayExcuse = silences + excusesOf(record, 'unbegun') < EXCUSES
    if isBegun and not (isSilent and isProven) then
      if losses + silences == 0 then firstTimers = firstTimers + 1 end
      hasVanished, longestMs = true, math.max(longestMs, ms)
    end
    if isSilent and mayExcuse and (isProven or silences < UNPROVEN_SILENCES) then
      reschedule(id, 'r' .. text(ms) .. ' silence\n' .. record, request.maxLosses, now)
    elseif not isBegun and mayExcuse then
      reschedule(id, 'r0 unbegun\n' .. record, request.maxLosses, now)
    else
      lose(id, record, 'l' .. text(now) .. ' ' .. text(heard) .. '\n', request.maxLosses, request.lease)
    end
  end
  for i = 1, #expired, 2 do
    local member = expired[i]
    local id = member:match('^%d+')
    bytes = bytes + call('HSTRLEN', items, id)
    if i > 1 and bytes > MAX_RECLAIM_BYTES then break end
    local record = recordOf(id)
    call('ZREM', leases, member)
    if record then takeAway(id, record, tonumber(expired[i + 1])) end
  end
  if hasVanished then judgeVanished(firstTimers, longestMs) end
end
