#!lua
-- Adds one chunk at the end of the list. ARGV: the digest that must be there, the next one, the items as one
-- MessagePack array. The digest is that of all that was added before, so a chunk that is sent twice, too late or by
-- another seeder changes nothing. Answers "moved" or "aborted" where it changes nothing, else how many items of the
-- source are in.
local list, batch = KEYS[1], KEYS[2]
local b = redis.call('HMGET', batch, 'digest', 'state', 'lastLength', 'total', 'externalTaken', 'offset', 'lastId', 'knownUpTo', 'externalRanges')
if b[1] ~= ARGV[1] then return 'moved' end
if b[2] == 'aborted' then return 'aborted' end

local items = cmsgpack.unpack(ARGV[3])
local waiting, seen = redis.call('LLEN', list), tonumber(b[3] or 0)
-- Places in the order of first giving: what came after our last one was pushed by hand and is never removed.
local last, through = (b[7] or 0) + waiting, tonumber(b[8] or 0)
if last > through then
  redis.call('HSET', batch, 'externalRanges', string.format('%s%.0f-%.0f,', b[9] or '', through + 1, last))
end
redis.call('RPUSH', list, unpack(items))
local offset = (b[6] or 0) + #items
redis.call('HSET', batch, 'digest', ARGV[2], 'offset', offset, 'lastLength', waiting + #items, 'knownUpTo', last + #items,
  'total', (b[4] or 0) + #items + math.max(0, waiting - seen), 'externalTaken', (b[5] or 0) + math.max(0, seen - waiting))
return offset
