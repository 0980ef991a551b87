#!lua flags=allow-oom
-- Accounts for a chunk. The RPUSH before this script, in the same transaction, added it to the list, or to the one that
-- is built beside the list. So items need not become Lua strings, which is twice as fast. A full Redis refuses the
-- RPUSH, and the transaction with it. ARGV: the digests, "list" or "next", how many items. The digest is that of all
-- items before, so a chunk that is sent twice, too late or by another seeder is taken off again, and "moved" or
-- "aborted" is returned; else how many items of the source are in.
--- @include "keys"
--- @include "seeding": digest, read, refusal, text, account
local target, count = ARGV[3], tonumber(ARGV[4])
local refused = refusal()
if refused then
  call('LTRIM', target == 'next' and nextList or list, 0, -count - 1)
  return refused
end
call('HSET', batchKey, 'digest', digest)
local offset, lastId, knownUpTo, externalRanges = read('offset', 'lastId', 'knownUpTo', 'externalRanges')
if target == 'next' then return tonumber(offset) end

local length = call('LLEN', list)
account(length - count, length)
-- Items after the last known one were pushed by somebody else, and are never removed.
local last, known = (lastId or 0) + length - count, tonumber(knownUpTo or 0)
if last > known then
  call('HSET', batchKey, 'externalRanges', (externalRanges or '') .. text(known + 1) .. '-' .. text(last) .. ',')
end
call('HSET', batchKey, 'offset', offset + count, 'knownUpTo', last + count)
return offset + count
