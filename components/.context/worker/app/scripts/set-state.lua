#!lua
-- pause, resume, abort (ARGV[1]; ARGV[2]: the reason). Answers the state it left behind, nothing where there is no
-- batch.
local batch, what = KEYS[2], ARGV[1]
local state = redis.call('HGET', batch, 'state')
if not state then return false end

if what == 'pause' then
  -- What is over can't be paused: the next batch would not begin.
  if state ~= 'finished' or redis.call('LLEN', KEYS[1]) > 0 then redis.call('HSET', batch, 'paused', 1) end
elseif what == 'resume' then
  redis.call('HDEL', batch, 'paused')
  if state == 'aborted' then
    redis.call('HSET', batch, 'state', 'open', 'endedAt', 0)
    redis.call('HDEL', batch, 'reason')
    return 'open'
  end
elseif state ~= 'finished' and state ~= 'aborted' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', batch, 'state', 'aborted', 'reason', ARGV[2], 'endedAt', now)
  return 'aborted'
end
return state
