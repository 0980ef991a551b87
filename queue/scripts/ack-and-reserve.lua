#!lua
-- Acknowledges outcomes and reserves items, in one round trip for all slots of a process. See queue/README.md.
-- ARGV[1] is the request in MessagePack (queue/redis/request.ts):
--   session, number   who calls, and which of its calls this is
--   reserve           how many items to reserve
--   exclusive         nothing else is in flight there, so it may get a suspect
--   lease             ms
--   maxFailures       most items that may be dead, or absent
--   heartbeat         what the worker reports of itself, or absent
--   doneIds, doneMembers, doneLines      attempts that succeeded, column by column
--   others            {kind, id, member, line, delay, log} of those that did not
-- Answers {kind, wait in ms, stale members, first id, {payloads reserved for the first time},
--   id, failures, losses, payload, ... of those reserved before}.
--- @include "keys"
--- @include "clock"
--- @include "records"
local request = cmsgpack.unpack(ARGV[1])
--- @include "replay"
local replayed = replay()
if replayed then return replayed end

--- @include "batch"
--- @include "acknowledge"
--- @include "reclaim"
local reply = { 'ok', 0, '-', 0, {} }
--- @include "reserve"
--- @include "finish"

loadBatch()
acknowledgeDone(request.doneIds, request.doneMembers, request.doneLines)
for _, outcome in ipairs(request.others) do acknowledge(outcome) end
observeList()
reopenIfRefilled()
abortIfTooManyDead()
hearWorker()
if batch.state == 'open' and not batch.paused then
  reclaimExpired()
  abortIfTooManyDead()
end
if batch.state == 'open' and not batch.paused and request.reserve > 0 then reserve() end
if #reservedIds == 0 then
  finishIfDone()
  if batch.state == 'aborted' or batch.state == 'finished' then
    reply[1] = batch.state
  else
    reply[2] = untilSomethingIsDue()
  end
end
if #stale > 0 then reply[3] = table.concat(stale, ',') end
saveBatch()
remember(reply[3], reservedIds)
return reply
