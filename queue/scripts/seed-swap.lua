#!lua flags=allow-oom
-- Puts the list that was built beside the waiting one in its place. ARGV: the digests, how many items of the waiting
-- list were looked at, the length of the new list, how many of those are of the source (the rest was pushed by others
-- and stands behind them), and `externalRanges` of items that were taken.
-- Returns 1. If it changes nothing, returns "moved" or "aborted"; or {the length of the waiting list}, if somebody
-- took from it, or pushed more items than are moved here.
--- @include "keys"
--- @include "seeding": digest, read, refusal, text, account
local known, built, own, externalTaken = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local refused = refusal()
if refused then return refused end
if call('LLEN', nextList) ~= built then return 'moved' end
local waiting = call('LLEN', list)
local late = waiting - known
if late < 0 or late > 16 then return { waiting } end

if late > 0 then call('RPUSH', nextList, unpack(call('LRANGE', list, known, -1))) end
local length = built + late
call('UNLINK', list)
if length > 0 then call('RENAME', nextList, list) end
account(waiting, length)
local lastId = tonumber(read('lastId') or 0)
local external = length > own and text(lastId + own + 1) .. '-' .. text(lastId + length) .. ',' or ''
call('HSET', batchKey, 'digest', digest, 'knownUpTo', lastId + length, 'externalRanges', externalTaken .. external)
return 1
