-- The one place that judges, since it sees all workers: they themselves only slow down. A worker is judged only after
-- this many slow attempts.
--- @needs clock (now, HELD, text), batch (batch, endBatch), records (recordOf, startOf), heartbeat (workersAlive)
--- @needs reserve (VANISHINGS)
local TRIES = 3
-- It is sick if enough samples (items from any place of the list) failed here that would have succeeded at the rate of
-- the others, and the others have done enough items meanwhile.
local SICK_SAMPLES, DONE_BY_OTHERS = 6, 10
-- A batch is given up after samples of all workers, and after a time in which nothing succeeded, ms.
local SAMPLES, FAILING_MS = 12, 30000
-- Or after workers vanished so many times, a lease apart, on so many items.
local VANISHED_ITEMS = 3
local VANISHED = { 'vanishedItems', 'vanishedLongest', 'vanishedFirst', 'vanishedAt' }

-- When its worker was last heard, by the deadline of a lease.
local function heardAt(deadline)
  return deadline - request.lease * HELD
end

-- When the oldest item in flight was begun, ms, or now if none is; and the longest time for which a worker had been at
-- work on an item when it was last heard. Only so many records are read: the leases that end last are those of live
-- workers.
local function inFlight()
  local MAX_LEASES, MAX_BYTES = 1000, 4 * 1024 * 1024
  local oldest, longestMs, bytes = now, 0, 0
  local held = call('ZREVRANGEBYSCORE', leases, '+inf', text(now), 'WITHSCORES', 'LIMIT', 0, MAX_LEASES)
  for i = 1, #held, 2 do
    local id = held[i]:match('^%d+')
    bytes = bytes + call('HSTRLEN', items, id)
    if bytes > MAX_BYTES then break end
    local record = recordOf(id)
    local start = record and startOf(record) or now
    oldest = math.min(oldest, start)
    longestMs = math.max(longestMs, heardAt(held[i + 1]) - start)
  end
  return oldest, longestMs
end

-- The judgement on the failures of a slow worker, by its report (queue/consumer/slowdown.ts).
local function judgeFailures(report)
  local done = call('HLEN', results) - call('ZCARD', dead)
  local failed = batch.retried + call('ZCARD', dead)
  reply.done, reply.failed = done, failed
  reply.judgement = 'slow'
  local aliveUntil = call('ZSCORE', alive, request.session)
  if aliveUntil then call('ZADD', failing, aliveUntil, request.session) end
  local samples, longestMs = unpack(call('HMGET', batchKey, 'samples', 'longestFailure'))
  samples, longestMs = tonumber(samples or 0) + report.newSamples, math.max(report.longestMs, tonumber(longestMs or 0))
  if report.newSamples > 0 then call('HSET', batchKey, 'samples', text(samples), 'longestFailure', text(longestMs)) end
  if report.tries < TRIES then return end
  local doneByOthers = done - (report.doneBefore or done)
  local failedElsewhere = math.max(0, failed - (report.failedBefore or failed) - report.tries)
  local expected = report.samples * doneByOthers / (doneByOthers + failedElsewhere)
  if doneByOthers >= DONE_BY_OTHERS and expected >= SICK_SAMPLES then
    reply.judgement = 'sick'
  elseif call('ZCOUNT', failing, text(now), '+inf') == workersAlive() then
    -- All live workers fail, so the items or the handler are at fault.
    if done > 0 or batch.waiting == 0 or not request.mayAbort then
      reply.judgement = 'free'
    elseif samples >= SAMPLES and report.forMs >= FAILING_MS and inFlight() >= now - longestMs then
      endBatch('abort', 'nothing succeeds: ' .. report.failures
        .. ' attempts in a row failed and none was ever done; the last one: ' .. report.reason)
    end
  end
end

-- If some items are done, the last few may end by their own losses: that takes few restarts, and names each.
local function areFewLeft()
  return batch.waiting + call('ZCARD', leases) + call('ZCARD', delayed) + call('ZCARD', suspects) <= VANISHINGS
end

-- Workers that vanish on every item end the batch, instead of restarting for days. A node that dies takes many workers
-- at once: that counts once. An attempt that comes to its end, or outlives the vanished ones, shows that not every item
-- is to blame. The judgement waits for such an attempt for twice the longest vanished one.
local function judgeVanished(firstTimers, longestMs)
  for i, value in ipairs(call('HMGET', batchKey, unpack(VANISHED))) do batch[VANISHED[i]] = tonumber(value or 0) end
  if batch.vanishings == 0 then
    batch.vanishedItems, batch.vanishedLongest, batch.vanishedFirst, batch.vanishedAt = 0, 0, now, now - request.lease
  end
  if now - batch.vanishedAt >= request.lease then
    batch.vanishings = batch.vanishings + 1
    batch.vanishedAt = now
  end
  batch.vanishedItems = batch.vanishedItems + firstTimers
  batch.vanishedLongest = math.max(batch.vanishedLongest, longestMs)
  for _, field in ipairs(VANISHED) do call('HSET', batchKey, field, text(batch[field])) end
  if batch.vanishings < VANISHINGS or batch.vanishedItems < VANISHED_ITEMS then return end
  if now - batch.vanishedFirst < 2 * batch.vanishedLongest then return end
  local _, outlivedMs = inFlight()
  local done = call('HLEN', results) - call('ZCARD', dead)
  if outlivedMs <= batch.vanishedLongest + 1 and not (done > 0 and areFewLeft()) then
    endBatch('abort', 'workers vanish: ' .. batch.vanishings .. ' times in a row, on ' .. batch.vanishedItems
      .. ' items, they ended without a word, and no item was ' .. (done > 0 and 'done since' or 'ever done')
      .. ': see their logs, and whether they run out of memory')
  end
end
