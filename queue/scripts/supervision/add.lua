#!lua flags=allow-oom
-- Adds to numbers of the batch. A queue that was purged leaves nothing behind. ARGV: field, number to add, ...
--- @include "keys"
if call('HEXISTS', batchKey, 'schema') == 0 then return end
for i = 1, #ARGV, 2 do call('HINCRBY', batchKey, ARGV[i], ARGV[i + 1]) end
