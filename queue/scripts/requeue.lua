#!lua
-- Puts dead items back, with their history, due at once; at most 1000 or 4 MiB per call. ARGV[1]: only those that died
-- until then (ms), and ARGV[2]: from when on, 0 leaves out the cancelled ones; or ARGV[1] is empty, and ids follow.
-- Answers how many it put back: call again until there are none.
--- @include "keys"
--- @include "clock": now, text
--- @include "state": move
local MAX_BYTES = 4 * 1024 * 1024
local ids = {}
if ARGV[1] ~= '' then
  ids = call('ZRANGEBYSCORE', dead, ARGV[2], ARGV[1], 'LIMIT', 0, 1000)
else
  for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
end

local count, bytes = 0, 0
for _, id in ipairs(ids) do
  if bytes > MAX_BYTES then break end
  local record = call('ZREM', dead, id) == 1 and call('HGET', results, id)
  if record then
    -- That it was cancelled is no attempt, and over.
    record = record:gsub('^c[^\n]*\n', '')
    bytes = bytes + #record
    -- If its last attempt was lost, or came after a loss, the item was a suspect and stays one.
    local losses = record:match('^[^\n]*\n%d+ (%d+) ')
    local isSuspect = record:sub(1, 1) == 'l' or (losses and tonumber(losses) > 0)
    call('HDEL', results, id)
    call('HSET', items, id, 'q\n' .. record)
    call('ZADD', isSuspect and suspects or delayed, text(now), id)
    count = count + 1
  end
end
if count > 0 then move('refill') end
return count
