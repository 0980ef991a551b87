-- What the failures of a slow worker mean. Workers only slow down: this is the one place that judges, since it sees all of
-- them. `request.failing` is the worker's report (queue/consumer/slowdown.ts).
-- Nothing is said of one before it made so many attempts slowly.
local TRIES = 3
-- It is sick where samples, items of any place of the list, failed here, and others have done so many items meanwhile.
local SICK_SAMPLES, DONE_BY_OTHERS = 6, 10
-- A batch is given up after samples of all workers, and after a time in which nothing succeeded, ms.
local SAMPLES, FAILING_MS = 12, 30000

--- @include "at-work"
local function judge(report)
  local done = call('HLEN', results) - call('ZCARD', dead)
  reply.done = done
  reply.verdict = 'slow'
  -- Its word counts for as long as it counts as alive.
  local aliveUntil = call('ZSCORE', alive, request.session)
  if aliveUntil then call('ZADD', failing, aliveUntil, request.session) end
  local samples, longestMs = unpack(call('HMGET', batchKey, 'samples', 'longestFailure'))
  samples, longestMs = tonumber(samples or 0) + report.newSamples, math.max(report.longestMs, tonumber(longestMs or 0))
  if report.newSamples > 0 then call('HSET', batchKey, 'samples', text(samples), 'longestFailure', text(longestMs)) end
  if report.tries < TRIES then return end
  if report.samples >= SICK_SAMPLES and done - (report.doneBefore or done) >= DONE_BY_OTHERS then
    reply.verdict = 'sick'
  elseif call('ZCOUNT', failing, text(now), '+inf') == workersAlive() then
    -- Everybody who lives fails: it is the items, or the handler.
    if done > 0 or batch.waiting == 0 or not request.mayAbort then
      reply.verdict = 'free'
    elseif samples >= SAMPLES and report.forMs >= FAILING_MS and oldestInFlight() >= now - longestMs then
      endBatch('aborted', 'nothing succeeds: ' .. report.failures
        .. ' attempts in a row failed and none was ever done; the last one: ' .. report.reason)
    end
  end
end
