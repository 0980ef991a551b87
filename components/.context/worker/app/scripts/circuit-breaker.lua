#!lua
-- What to make of a worker that only failed, item after item. ARGV: for how long (ms), the reason of the last failure,
-- how many failed. Answers {"aborted" or "on", how many items are done}. Nothing was ever done, and nobody has an item
-- in hand for longer than these failures took: it is the handler, and the batch is over.
local batch, leases, items, results, dead = KEYS[2], KEYS[3], KEYS[6], KEYS[7], KEYS[8]
local done = redis.call('HLEN', results) - redis.call('ZCARD', dead)
local state = redis.call('HGET', batch, 'state')
if state ~= 'open' or done > 0 then return { state == 'aborted' and state or 'on', done } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, member in ipairs(redis.call('ZRANGE', leases, 0, 999)) do
  local record = redis.call('HGET', items, member:match('^%d+'))
  if tonumber(record:match('^%d+ %d+ (%d+)')) < now - ARGV[1] then return { 'on', done } end
end
redis.call('HSET', batch, 'state', 'aborted', 'endedAt', string.format('%.0f', now),
  'reason', 'nothing succeeds: ' .. ARGV[3] .. ' attempts in a row failed and none was ever done; the last one: ' .. ARGV[2])
return { 'aborted', done }
