-- A worker that was taken for lost is heard after all: only a crash is a loss.

-- Its item, where nobody else has it: as it was while it was leased, for the worker to go on or to end it. Nothing where
-- somebody else has it, or it was not lost.
local function takeBack(id, session)
  local record = call('HGET', items, id)
  if not record then return end
  local line, owner = record:match('^([lr]%d+ %w+\n)%d+ %d+ %d+ (%S+)\n')
  if owner ~= session then return end
  call('ZREM', suspects, id)
  call('ZREM', delayed, id)
  if line:sub(1, 1) == 'l' then batch.lost = batch.lost - 1 end
  return record:sub(#line + 1)
end

-- The loss of an item that somebody else has by now does not count against it.
local function forgive(id, session)
  local record = call('HGET', items, id)
  if not record then return end
  local failures, losses, rest, time, owner = record:match('^(%d+) (%d+)( %d+ %S+\n)l(%d+) %d+\n%d+ %d+ %d+ (%S+)\n')
  if owner ~= session then return end
  local old = #failures + 1 + #losses + #rest
  local line = record:match('^[^\n]*\n', old + 1)
  local start = record:match('^%d+ %d+ (%d+) ', old + #line + 1)
  batch.lost = batch.lost - 1
  call('HSET', items, id, failures .. ' ' .. text(losses - 1) .. rest .. 'r' .. text(time - start) .. ' late\n' .. record:sub(old + #line + 1))
end
