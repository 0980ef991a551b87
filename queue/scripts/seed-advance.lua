#!lua flags=allow-oom
-- Moves a seeding from one stage to the next. ARGV: the digests, the stage, and what it needs.
--   grow: items are being appended; takes go on, "finished" is not said
--   edit: a new list is being built beside the old one; no takes. Returns {state, seeded, reason} of before
--   undo: the edit came to nothing. Needs what "edit" returned
--   done: everything is in. Needs offset, seedId, retired. Returns {total, done}
-- Returns "moved" or "aborted" if it changes nothing.
--- @include "keys"
--- @include "seeding": digest, read, refusal, account
--- @include "state": move, undoEdit
local stage = ARGV[3]
local refused = refusal()
if refused == 'moved' or refused and stage == 'done' then return refused end
local state, seeded, reason = read('state', 'seeded', 'reason')
call('HSET', batchKey, 'digest', digest)

local function reopen()
  move(stage)
  call('HSET', batchKey, 'seeded', 0, 'vanishings', 0, 'samples', 0)
  call('HDEL', batchKey, 'reason')
end

if stage == 'grow' then
  reopen()
elseif stage == 'edit' then
  call('UNLINK', nextList)
  reopen()
  return { state, seeded or '', reason or '' }
elseif stage == 'undo' then
  call('UNLINK', nextList)
  if undoEdit(ARGV[4]) then
    call('HSET', batchKey, 'seeded', ARGV[5])
    if ARGV[6] ~= '' then call('HSET', batchKey, 'reason', ARGV[6]) end
  end
else
  local length = call('LLEN', list)
  account(length, length)
  call('HSET', batchKey, 'offset', ARGV[4], 'seedId', ARGV[5], 'retired', ARGV[6], 'seeded', 1)
  move('seeded')
  call('HDEL', batchKey, 'requeue')
  local total = read('total')
  return { tonumber(total), call('HLEN', results) - call('ZCARD', dead) }
end
return 1
