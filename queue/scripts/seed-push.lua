#!lua flags=allow-oom
-- Accounts for a chunk which the RPUSH before it, in the same transaction, added to the list or to the one that is built
-- beside it: pushed by the command itself, items need not become Lua strings, which is twice as fast. ARGV: the digest
-- that must be there, the next one, "list" or "next", how many items. The digest is that of all items before, so a
-- chunk that is sent twice, too late or by another seeder is taken off again, and "moved" or "aborted" is returned;
-- else how many items of the source are in. (Of a seeding, a full Redis refuses the RPUSH, and the transaction with it.)
local list, batch = KEYS[1], KEYS[2]
local digest, count = ARGV[2], tonumber(ARGV[4])
local b = redis.call('HMGET', batch, 'digest', 'state', 'lastLength', 'total', 'externalTaken', 'offset', 'lastId',
  'knownUpTo', 'externalRanges')
local refusal = b[1] ~= ARGV[1] and 'moved' or b[2] == 'aborted' and 'aborted'
if refusal then
  redis.call('LTRIM', ARGV[3] == 'next' and KEYS[11] or list, 0, -count - 1)
  return refusal
end
if ARGV[3] == 'next' then
  redis.call('HSET', batch, 'digest', digest)
  return tonumber(b[6] or 0)
end

local waiting, seen = redis.call('LLEN', list) - count, tonumber(b[3] or 0)
-- What came after the last item known was pushed by somebody else, and is never removed.
local last, known = (b[7] or 0) + waiting, tonumber(b[8] or 0)
if last > known then
  redis.call('HSET', batch, 'externalRanges', string.format('%s%.0f-%.0f,', b[9] or '', known + 1, last))
end
local offset = (b[6] or 0) + count
redis.call('HSET', batch, 'digest', digest, 'offset', offset, 'lastLength', waiting + count, 'knownUpTo', last + count,
  'total', (b[4] or 0) + count + math.max(0, waiting - seen),
  'externalTaken', (b[5] or 0) + math.max(0, seen - waiting))
return offset
