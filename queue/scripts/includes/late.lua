-- A worker that was taken for lost is heard after all: only a crash is a loss. Answers its item, where nobody took it up
-- since, as it was while it was leased. The member names the call that reserved it, so no other item has it.
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
