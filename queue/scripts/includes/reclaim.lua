-- Takes back expired leases.

-- When no worker was heard for half a lease (Redis was away, or its clock jumped), those who are alive get half a lease
-- more to renew theirs.
local function hearWorker()
  local silence = now - batch.lastHeartbeat
  if batch.lastHeartbeat > 0 and silence > request.lease / 2 then batch.reclaimAfter = now + request.lease / 2 end
  if silence > request.lease / 100 or silence < 0 then batch.lastHeartbeat = now end
end

-- A lost item becomes a suspect: it may be what killed its worker. Lost again as a suspect, it is dead.
local function reclaimExpired()
  if now < batch.reclaimAfter then return end
  for _, member in ipairs(call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 100)) do
    local id, session = member:match('^(%d+):([^.]+)')
    local record = call('HGET', items, id)
    local _, losses = attemptCounts(record)
    local worker = call('HGET', workers, session)
    call('ZREM', leases, member)
    record = 'l' .. text(now) .. ' ' .. (worker and worker:match('^%d+') or '0') .. '\n' .. record
    batch.lost = batch.lost + 1
    if losses > 0 then
      bury(id, record)
    else
      reschedule(id, record, true, now + request.lease / 10)
    end
  end
end
