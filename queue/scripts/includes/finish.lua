-- The end of the batch, and how long there is nothing to do.
local POLL_MS = 1000

local function reopenIfRefilled()
  if batch.state ~= 'finished' then return end
  if batch.waiting > 0 or call('ZCARD', delayed) + call('ZCARD', suspects) > 0 then
    batch.state = 'open'
    batch.endedAt = 0
  end
end

local function abortIfTooManyDead()
  if not request.maxFailures or batch.state ~= 'open' then return end
  local count = call('ZCARD', dead)
  if count > request.maxFailures then
    endBatch('aborted', count .. ' items failed for good, more than maxFailures allows (' .. request.maxFailures .. ')')
  end
end

local function finishIfDone()
  if batch.state == 'open' and batch.seeded and batch.waiting == 0 and call('ZCARD', leases) == 0
    and call('ZCARD', delayed) == 0 and call('ZCARD', suspects) == 0 then
    endBatch('finished')
  end
end

-- Ms until the first member of a sorted set is due, not before `from`.
local function untilDue(key, from)
  local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return first[2] and math.max(0, first[2] - now, from - now) or POLL_MS
end

local function untilSomethingIsDue()
  if batch.state ~= 'open' or batch.paused then return POLL_MS end
  local wait = math.min(untilDue(leases, batch.reclaimAfter), untilDue(delayed, 0))
  if request.exclusive then wait = math.min(wait, untilDue(suspects, 0)) end
  return math.floor(wait)
end
