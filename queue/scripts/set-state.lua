#!lua flags=allow-oom
-- pause, resume, reopen (an aborted batch, which stays paused), abort (ARGV[1]; ARGV[2]: the reason). Answers the state it
-- left behind, nothing where there is no batch.
--- @include "keys"
--- @include "clock"
local action = ARGV[1]
local state = call('HGET', batchKey, 'state')
-- A list that was filled by hand is a batch from its first take on. Its workers may not get that far.
local waiting = call('LLEN', list)
if not state and action == 'abort' and waiting > 0 then
  call('HSET', batchKey, 'schema', 1, 'owner', '', 'epoch', 1, 'seeded', 1, 'total', waiting, 'lastLength', waiting)
  redis.pcall('SADD', 'wq:queues', list)
  state = 'open'
end
if not state then return false end

if action == 'pause' then
  -- A batch that is over can't be paused: the next one would not begin.
  if state ~= 'finished' or waiting > 0 then call('HSET', batchKey, 'paused', 1) end
elseif action == 'resume' or action == 'reopen' then
  if action == 'resume' then call('HDEL', batchKey, 'paused') end
  if state == 'aborted' then
    call('HSET', batchKey, 'state', 'open', 'deadForgiven', call('ZCARD', dead), 'vanishings', 0, 'samples', 0)
    call('HDEL', batchKey, 'reason')
    return 'open'
  end
elseif state ~= 'finished' and state ~= 'aborted' then
  call('HSET', batchKey, 'state', 'aborted', 'reason', ARGV[2], 'endedAt', text(now))
  return 'aborted'
end
return state
