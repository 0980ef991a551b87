-- The end of the batch, and how long there is nothing to do.
--- @needs clock (now), batch (batch, changeState, endBatch)

local function reopenIfRefilled()
  if batch.state ~= 'finished' then return end
  if batch.waiting > 0 or call('ZCARD', delayed) + call('ZCARD', suspects) > 0 then
    changeState('refill')
  end
end

-- Dead items do not count if a person cancelled them (cancel.lua), or if they were dead when the batch was aborted and
-- it was resumed since: `deadForgiven` is their number.
local function abortIfTooManyDead()
  if not request.maxFailures then return end
  local count = call('ZCARD', dead)
  if batch.state == 'aborted' or count < batch.deadForgiven then batch.deadForgiven = count end
  if batch.state == 'open' and count - batch.deadForgiven > request.maxFailures then
    endBatch('abort', count .. ' items failed for good, more than maxFailures allows (' .. request.maxFailures .. ')')
    batch.deadForgiven = count
  end
end

local function completeIfDone()
  if batch.state == 'open' and batch.seeded and batch.waiting == 0 and call('ZCARD', leases) == 0
    and call('ZCARD', delayed) == 0 and call('ZCARD', suspects) == 0 then
    endBatch('complete')
  end
end

-- Ms until something is due, as far as is known; -1 if nothing is. Items that are left to other workers do not
-- count.
local function untilDue(isLeft)
  if batch.state ~= 'open' or batch.paused then return -1 end
  local soonest = -1
  local function consider(key, notBefore)
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if not first[2] then return end
    local wait = math.max(0, first[2] - now, notBefore - now)
    if soonest < 0 or wait < soonest then soonest = wait end
  end
  consider(leases, batch.reclaimAfter)
  if not isLeft then
    consider(delayed, 0)
    if request.exclusive then consider(suspects, 0) end
  end
  return math.floor(soonest)
end
