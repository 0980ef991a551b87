#!lua flags=allow-oom
-- pause, resume, reopen (an aborted batch, which stays paused), abort (ARGV[1]; ARGV[2]: the reason). Answers the state
-- it left behind, nothing if there is no batch.
--- @include "keys"
--- @include "clock": now, text
--- @include "state": move, adopt
local action = ARGV[1]
local state = call('HGET', batchKey, 'state')
-- A list that was filled by hand is a batch from its first take on. Its workers may not get that far.
local waiting = call('LLEN', list)
if not state and action == 'abort' and waiting > 0 then
  call('HSET', batchKey, 'total', waiting, 'lastLength', waiting)
  state = adopt()
end
if not state then return false end

if action == 'pause' then
  -- A batch that is over can't be paused: the next one, or the same one once it is mended, would not begin.
  if state ~= 'aborted' and (state ~= 'finished' or waiting > 0) then call('HSET', batchKey, 'paused', 1) end
elseif action == 'resume' or action == 'reopen' then
  if action == 'resume' then call('HDEL', batchKey, 'paused') end
  if move('resume') then
    call('HSET', batchKey, 'deadForgiven', call('ZCARD', dead), 'vanishings', 0, 'samples', 0)
    call('HDEL', batchKey, 'reason')
  end
elseif move('abort') then
  call('HSET', batchKey, 'reason', ARGV[2], 'endedAt', text(now))
end
return call('HGET', batchKey, 'state')
