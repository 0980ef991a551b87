#!lua
-- Acknowledges outcomes and reserves items, in one round trip for all slots of a process. See queue/README.md.
-- ARGV[1] is the request in MessagePack (queue/redis/ackAndReserve.ts):
--   session, pod      who calls
--   number, isResent  which of its calls this is; absent in one that is made only once, and reserves nothing
--   reserve           how many items to reserve
--   exclusive         nothing else is in flight there, so it may get a suspect
--   failing           report of a worker whose items fail one after the other (queue/consumer/slowdown.ts)
--   recovered         they no longer do
--   sample            reserve one item from anywhere in the list
--   mayAbort          the batch is aborted when nothing succeeds
--   largest           bytes of the longest payload it has seen of late
--   lease, waited     ms: the lease, and the time for which the call could not get through
--   maxLosses, maxFailures      losses that make an item dead; most items that may be dead, or absent
--   keepLogs          logs of failed attempts are kept when the item is done
--   heartbeat         what the worker reports of itself, empty if nothing changed; absent when none is due
--   doneIds, doneMembers, doneLines      attempts that succeeded, column by column
--   durations         {field of the batch, number to add, ...}: how long the attempts took (queue/durations.ts)
--   others            {kind, id, member, line, delay, log} of those that did not, or have a log
-- Answers the values of `reply`, in the order at the end. A call that was made before gets its answer again (replay);
-- any other takes the six steps of `answerAnew`.
local MAX_GARBAGE = 6 * 1024 -- KiB
-- Lua would keep long payloads of earlier calls for a while.
if collectgarbage('count') > MAX_GARBAGE then collectgarbage() end
--- @include "keys"
--- @include "clock": now, text

-- Two functions, one in the other, for speed only: Lua finds a variable of an enclosing function at once.
local function answer()
--- @include "batch": batch, countUp, loadBatch, observeList, saveBatch
--- @include "records"
local request = cmsgpack.unpack(ARGV[1])
local reply = {
  kind = 'ok',
  pollMs = 0,      -- between two calls of an idle worker
  dueMs = -1,      -- until something is due, as far as is known
  heartbeatMs = 0, -- until the next heartbeat
  stale = '-',     -- members, with commas
  firstId = 0,     -- of those reserved for the first time, with their payloads
  fresh = {},
  again = {},      -- id, failures, losses, care (records), payload of each that was reserved before
  judgement = '-',   -- on a worker that fails; how many items are done, and how many attempts failed
  done = 0,
  failed = 0,
  deadline = 0,    -- of the leases
}
--- @include "replay": replay, remember

local function answerAnew()
--- @include "silence": hear
--- @include "acknowledge": stale, acknowledgeDone, acknowledge
--- @include "heartbeat": pollInterval, heartbeat
--- @include "reserve": reserved, reservedCount, reserve
--- @include "end": reopenIfRefilled, abortIfTooManyDead, completeIfDone, untilDue

-- Functions that are seldom needed are made only when they are. A script makes its functions anew at each call.
local function reclaimLeases(expired)
--- @include "reclaim": reclaim
  reclaim(expired)
end

local function judgeWorker()
--- @include "judge": judgeFailures
  judgeFailures(request.failing)
end

-- 1. Outcomes.
countUp(request.durations)
loadBatch()
acknowledgeDone(request.doneIds, request.doneMembers, request.doneLines)
for _, outcome in ipairs(request.others) do acknowledge(outcome) end

-- 2. What happened meanwhile.
observeList()
reopenIfRefilled()
abortIfTooManyDead()
hear(request.lease, request.waited or 0)
if request.recovered then call('ZREM', failing, request.session) end

-- 3. Leases that ran out, and the judgement on workers. Those that ran out in a silence wait to be renewed, and nothing
-- is reserved until then. Otherwise workers that die of each item at once, and start again in minutes, would take one
-- item after the other, and no loss would ever count.
local awaitsRenewals = false
if batch.state == 'open' and not batch.paused then
  local isTooSoon = now < batch.reclaimAfter
  local expired = call('ZRANGEBYSCORE', leases, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, isTooSoon and 1 or 100)
  if isTooSoon then
    awaitsRenewals = #expired > 0
  elseif #expired > 0 then
    reclaimLeases(expired)
  end
  abortIfTooManyDead()
  if request.failing and batch.state == 'open' then judgeWorker() end
end

-- 4. Items for this worker.
local isLeft = false
if batch.state == 'open' and not batch.paused and not awaitsRenewals and request.reserve > 0 then isLeft = reserve() end

-- 5. If there were none: the end, or when to ask again.
if reservedCount == 0 then
  completeIfDone()
  if batch.state == 'aborted' or batch.state == 'finished' then
    reply.kind = batch.state
  else
    reply.pollMs = pollInterval(batch.paused)
    reply.dueMs = untilDue(isLeft)
  end
end

-- 6. The answer, and what is kept of it.
if #stale > 0 then reply.stale = table.concat(stale, ',') end
local hasWorked = reservedCount + #request.doneIds + #request.others > 0
if request.heartbeat then
  reply.heartbeatMs = heartbeat(request.session, request.heartbeat, hasWorked, request.lease)
end
saveBatch()
if request.number and batch.exists and (hasWorked or request.isResent) then remember(reply.stale, reserved) end
end

if not (request.number and replay()) then answerAnew() end
local r = reply
return { r.kind, r.pollMs, r.dueMs, r.heartbeatMs, r.stale, r.firstId, r.fresh, r.again, r.judgement, r.done,
  r.failed, r.deadline }
end

return answer()
