#!lua flags=no-writes
-- Reads records, from both hashes at one moment: none is missed or seen twice because it moved. ARGV[1], in
-- MessagePack: {ids, maxBytes (read until then, at least one), maxPayload (bytes of each payload that are answered;
-- absent: all)}. Answers, for as many of the ids as were read: 1 if it is settled, record or nil. A long payload is put
-- where a short one lies.
--- @include "keys"
--- @include "records": headOf, hasLongPayload, payloadOf
local request = cmsgpack.unpack(ARGV[1])
local reply, bytes = {}, 0

for _, id in ipairs(request.ids) do
  local record = call('HGET', results, id)
  reply[#reply + 1] = record and 1 or 0
  record = record or call('HGET', items, id)
  if record then
    local head = headOf(record)
    local isLong = hasLongPayload(head)
    if isLong or request.maxPayload then
      local payload = payloadOf(id, record)
      bytes = bytes + #payload
      record = (isLong and head:sub(1, -3) or head) .. '\n' .. payload:sub(1, request.maxPayload or -1)
    end
    bytes = bytes + #record
  end
  reply[#reply + 1] = record
  if bytes >= request.maxBytes then break end
end
return reply
