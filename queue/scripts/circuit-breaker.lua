#!lua
-- What to make of a worker whose items all fail. ARGV: session, for how long they do (ms), how many failed, the reason of the last
-- one, 1 if that may end the batch. Answers {"aborted" or "on", how many items are done, 1 if others may do better}: nothing was
-- ever done and nobody has an item in flight for longer than these failures took: it is the handler, and the batch is over.
--- @include "keys"
--- @include "clock"
local MAX_BYTES = 4 * 1024 * 1024
local session, ms, count, reason, mayAbort = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5] == '1'
local done = call('HLEN', results) - call('ZCARD', dead)

-- Who has an item in flight since before these failures: another worker, or this one in another slot.
local function whoIsAtWork()
  local isHere, bytes = false, 0
  for _, member in ipairs(call('ZRANGE', leases, 0, 999)) do
    local id, owner = member:match('^(%d+):([^.]+)')
    bytes = bytes + call('HSTRLEN', items, id)
    if bytes > MAX_BYTES then return true, isHere end
    if tonumber(call('HGET', items, id):match('^%d+ %d+ (%d+)')) < now - ms then
      if owner ~= session then return true, isHere end
      isHere = true
    end
  end
  return false, isHere
end

local state = call('HGET', batchKey, 'state')
if state ~= 'open' then return { state == 'aborted' and state or 'on', done, 0 } end
local isAnother, isHere = whoIsAtWork()
if done > 0 or isAnother or isHere or not mayAbort then return { 'on', done, isAnother and 1 or 0 } end
call('HSET', batchKey, 'state', 'aborted', 'endedAt', text(now), 'reason',
  'nothing succeeds: ' .. count .. ' attempts in a row failed and none was ever done; the last one: ' .. reason)
return { 'aborted', done, 0 }
