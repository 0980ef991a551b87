-- Long payloads do not move with their records: they lie in a hash of their own, from the first reservation on. In two
-- parts: with the header of a value, one that filled its place in the list would need the next larger size of memory.
local LONG_PAYLOAD, LAST_PART = 32 * 1024, 64

-- Keeps a long payload. Answers what its record has in place of an empty line and the payload.
local function keepPayload(id, payload)
  call('HSET', payloads, id, payload:sub(1, -LAST_PART - 1), id .. '+', payload:sub(-LAST_PART))
  return 'p\n\n'
end

-- The lines above the payload.
local function headOf(record)
  if record:sub(1, 1) == '\n' then return '' end
  return record:sub(1, (record:find('\n\n', 1, true)))
end

local function hasLongPayload(head)
  return head:sub(-3) == '\np\n'
end

local function payloadOf(id, record)
  local head = headOf(record)
  if not hasLongPayload(head) then return record:sub(#head + 2) end
  local parts = call('HMGET', payloads, id, id .. '+')
  return parts[1] .. parts[2]
end
