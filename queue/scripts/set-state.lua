#!lua
-- pause, resume, abort (ARGV[1]; ARGV[2]: the reason). Answers the state it left behind, nothing where there is no
-- batch.
--- @include "keys"
--- @include "clock"
local action = ARGV[1]
local state = call('HGET', batchKey, 'state')
if not state then return false end

if action == 'pause' then
  -- What is over can't be paused: the next batch would not begin.
  if state ~= 'finished' or call('LLEN', list) > 0 then call('HSET', batchKey, 'paused', 1) end
elseif action == 'resume' then
  call('HDEL', batchKey, 'paused')
  if state == 'aborted' then
    call('HSET', batchKey, 'state', 'open', 'endedAt', 0, 'deadForgiven', call('ZCARD', dead), 'vanishings', 0, 'samples', 0)
    call('HDEL', batchKey, 'reason')
    return 'open'
  end
elseif state ~= 'finished' and state ~= 'aborted' then
  call('HSET', batchKey, 'state', 'aborted', 'reason', ARGV[2], 'endedAt', text(now))
  return 'aborted'
end
return state
