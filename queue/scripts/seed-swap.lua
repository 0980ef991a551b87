#!lua flags=allow-oom
-- Puts the list that was built beside the waiting one in its place. ARGV: the digest that must be there, the next one,
-- how many items of the waiting list were looked at, the length of the new list, how many of those are of the source
-- (the rest was pushed by others and stands behind them), and `externalRanges` of items that were taken.
-- Returns "moved" or "aborted"; {the length of the waiting list} where somebody took from it, or pushed more than is
-- moved here; then it changed nothing. Else 1.
local list, batch, new = KEYS[1], KEYS[2], KEYS[11]
local digest, known, built, own = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local b = redis.call('HMGET', batch, 'digest', 'state', 'total', 'lastLength', 'externalTaken', 'lastId')
if b[1] ~= ARGV[1] or redis.call('LLEN', new) ~= built then return 'moved' end
if b[2] == 'aborted' then return 'aborted' end
local waiting, seen, lastId = redis.call('LLEN', list), tonumber(b[4] or 0), tonumber(b[6] or 0)
local late = waiting - known
if late < 0 or late > 16 then return { waiting } end

if late > 0 then redis.call('RPUSH', new, unpack(redis.call('LRANGE', list, known, -1))) end
local length = built + late
redis.call('UNLINK', list)
if length > 0 then redis.call('RENAME', new, list) end
local external = ''
if length > own then external = string.format('%.0f-%.0f,', lastId + own + 1, lastId + length) end
redis.call('HSET', batch, 'digest', digest, 'lastLength', length, 'knownUpTo', lastId + length,
  'externalRanges', ARGV[6] .. external, 'total', b[3] + math.max(0, waiting - seen) + length - waiting,
  'externalTaken', (b[5] or 0) + math.max(0, seen - waiting))
return 1
