#!lua flags=allow-oom
-- Extends the leases that are still there, and takes the worker's heartbeat. ARGV[1], in MessagePack: {session, lease
-- (ms), waited (ms in which it could not be made), heartbeat (absent when none is due), members (of items that were
-- begun), unbegun (of others, if any)}.
-- Answers {{members that are not there}, state of the batch, ms until the next heartbeat}.
--- @include "keys"
--- @include "clock": now, HELD, text
--- @include "batch": batch, loadBatch, saveBatch
--- @include "silence": hear, takeBack
--- @include "heartbeat": heartbeat
local request = cmsgpack.unpack(ARGV[1])
loadBatch()
local deadline = text(now + request.lease * HELD)
local gone = {}
local function renew(member, fraction)
  local score = call('ZSCORE', leases, member)
  -- A later deadline is not required: a clock that went back must not stop renewals.
  if score then
    call('ZADD', leases, deadline .. (score % 1 > 0 and '.5' or fraction), member)
  else
    -- A lease that was taken away is not made again, unless nobody has taken up its item.
    local record = takeBack(member)
    if record then
      call('HSET', items, member:match('^%d+'), record)
      call('ZADD', leases, deadline .. fraction, member)
    else
      gone[#gone + 1] = member
    end
  end
end
for _, member in ipairs(request.members) do renew(member, '.5') end
local unbegun = request.unbegun or {}
for _, member in ipairs(unbegun) do renew(member, '') end
if batch.exists then hear(request.lease, request.waited or 0) end
local every = 0
if request.heartbeat then
  local hasWorked = #request.members + #unbegun > #gone
  every = heartbeat(request.session, request.heartbeat, hasWorked, request.lease)
end
saveBatch()
return { gone, batch.state or '', every }
