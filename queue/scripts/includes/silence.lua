-- Silences. When no worker was heard for half a lease, Redis was away, its clock jumped, or every worker is gone. Live
-- workers get half a lease more to renew theirs (`reclaimAfter`).
--- @needs clock (now, HELD, text), batch (batch)

-- Redis itself was not there: it started after the silence began.
local function restartedWithin(silence)
  local info = redis.pcall('INFO', 'server')
  local uptime = type(info) == 'string' and tonumber(info:match('uptime_in_seconds:(%d+)'))
  return uptime and uptime * 1000 < silence + 1000
end

-- The clock went back: all times that it noted before are too late by the same span. A part of this span is not known,
-- since not every call is noted.
local function onClockWentBack(span, lease)
  span = span + lease * 0.06
  local latest = now + lease * HELD
  local held = call('ZRANGEBYSCORE', leases, '(' .. text(latest), '+inf', 'WITHSCORES')
  for i = 1, #held, 2 do call('ZADD', leases, text(latest) .. (held[i + 1] % 1 > 0 and '.5' or ''), held[i]) end
  for _, key in ipairs({ delayed, suspects, alive, failing }) do
    local ahead = call('ZRANGEBYSCORE', key, '(' .. text(now), '+inf', 'WITHSCORES')
    for i = 1, #ahead, 2 do call('ZADD', key, text(math.max(now, ahead[i + 1] - span)), ahead[i]) end
  end
end

-- Notes that a worker was heard. A silence is proven to be Redis's own when Redis started within it, or when a worker
-- could not get through for a good part of it: `waited`, ms.
local function hear(lease, waited)
  local silence = now - batch.lastHeartbeat
  if batch.lastHeartbeat == 0 then
    batch.lastHeartbeat = now
  elseif silence < -lease / 20 then
    onClockWentBack(-silence, lease)
    batch.lastHeartbeat = now
    batch.reclaimAfter = now + lease / 2
    batch.silenceProven = 1
    batch.vanishings = 0
  elseif silence > lease / 2 then
    batch.reclaimAfter = now + lease / 2
    batch.silenceProven = (waited > lease / 4 or restartedWithin(silence)) and 1 or 0
  elseif now < batch.reclaimAfter and waited > lease / 4 then
    batch.silenceProven = 1
  end
  if silence > lease / 20 then batch.lastHeartbeat = now end
end

-- A worker that was taken for lost is heard after all: only a crash is a loss. Answers its item, if nobody took it
-- up since, as it was while it was leased. The member names the call that reserved it, so no other item has it.
local function takeBack(member)
  local id, holder = member:match('^(%d+):(.+)')
  local record = call('HGET', items, id)
  local isDead = not record and batch.state == 'open' and call('ZSCORE', dead, id)
  if isDead then record = call('HGET', results, id) end
  if not record then return end
  local line, owner = record:match('^([lr]%d+ %w+\n)%d+ %d+ %d+ (%S+)\n')
  if owner ~= holder then return end
  if isDead then
    call('ZREM', dead, id)
    call('HDEL', results, id)
  end
  call('ZREM', suspects, id)
  call('ZREM', delayed, id)
  if line:sub(1, 1) == 'l' then batch.lost = batch.lost - 1 end
  return record:sub(#line + 1)
end
