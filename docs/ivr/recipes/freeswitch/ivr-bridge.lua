-- IVR Bridge for FreeSWITCH 1.10: mod_lua, mod_curl, mod_callcenter.
-- Save as scripts/ivr-bridge.lua; from the dialplan: <action application="lua" data="ivr-bridge.lua"/>

local BRIDGE = "https://bridge.example"
local KEY = "ib_the-key-of-your-line"
local LINE = ""                       -- empty: the number that was dialled
local QUEUE = "support@default"
local PROMPTS = "ivr-bridge/"         -- below sounds_dir: offer.wav, not_possible.wav …
local MUSIC = "local_stream://moh"
local TIMEOUT_S = 3                   -- mod_curl counts in whole seconds
local DEADLINE_MS = 2500

local api = freeswitch.API()

local function escaped(text)
  return (text:gsub("[^%w]", function(c) return string.format("%%%02X", c:byte()) end))
end

local function form(fields)
  local pairs_ = {}
  for name, value in pairs(fields) do
    pairs_[#pairs_ + 1] = name .. "=" .. escaped(tostring(value))
  end
  return table.concat(pairs_, "&")
end

-- mod_curl decodes the body once before it sends it: what is already a form is escaped once more.
local function curl(path, body)
  return api:execute("curl", BRIDGE .. path ..
    " connect-timeout 1 timeout " .. TIMEOUT_S .. " secure" ..
    " append_headers 'Authorization:Bearer " .. KEY .. "'" ..
    " content-type application/x-www-form-urlencoded post " .. escaped(body)) or ""
end

-- The action and the prompt of a whole answer. On a timeout mod_curl gives what has come so far: only
-- an answer that ends with the action and end=1 counts. Everything else: go on.
local function understood(answer)
  local action = answer:match("&action=(%l+)&end=1$")
  return action or "continue", answer:match("&prompt_key=([%l_]+)&") or "not_possible"
end

-- In a thread of its own (luarun), while the caller hears music.
if argv and argv[1] == "deflect" then
  local uuid, body = argv[2], argv[3]
  local answer = curl("/v1/deflections?format=form", body)
  api:execute("uuid_setvar", uuid .. " ivrb_answer " .. escaped(answer))
  for _ = 1, 50 do
    if api:execute("uuid_getvar", uuid .. " ivrb_music") ~= "on" then break end
    api:execute("uuid_break", uuid)
    freeswitch.msleep(100)
  end
  return
end

-- When the call is over (api_hangup_hook).
if argv and argv[1] == "event" then
  curl("/v1/calls/events", argv[2])
  return
end

local uuid = session:getVariable("uuid")
local hidden = session:getVariable("caller_id_number")
local privacy = session:getVariable("privacy_hide_number") == "true"
  or (session:getVariable("sip_Privacy") or ""):find("id", 1, true) ~= nil
local who = {
  call_id = uuid,
  line = LINE ~= "" and LINE or session:getVariable("destination_number"),
  caller = hidden or "",
  caller_withheld = privacy and 1 or 0,
}

local function with(more)
  local fields = {}
  for name, value in pairs(who) do fields[name] = value end
  for name, value in pairs(more) do fields[name] = value end
  return form(fields)
end

local function tell(event)
  curl("/v1/calls/events", with({ event = event }))
end

-- True when goodbye has been said.
local function offer()
  local waiting = tonumber((api:execute("callcenter_config", "queue count members " .. QUEUE) or ""):match("%d+"))
  local place = { queue_position = (waiting or 0) + 1, deadline_ms = DEADLINE_MS }
  if understood(curl("/v1/eligibility?format=form", with(place))) ~= "offer" then return false end
  tell("offered")
  local key = session:playAndGetDigits(1, 1, 1, 5000, "", PROMPTS .. "offer.wav", "", "[12]")
  if key == "2" then tell("declined") end
  if key ~= "1" or not session:ready() then return false end
  tell("accepted")

  place.digits = "1"
  session:setVariable("ivrb_answer", "")
  session:setVariable("ivrb_music", "on")
  session:setVariable("playback_timeout_sec", tostring(TIMEOUT_S + 2))
  api:execute("luarun", "ivr-bridge.lua deflect " .. uuid .. " " .. with(place))
  session:streamFile(MUSIC)
  session:setVariable("ivrb_music", "off")
  session:setVariable("playback_timeout_sec", "0")
  local answer = session:getVariable("ivrb_answer") or ""
  answer = answer:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  local action, prompt = understood(answer)
  if action ~= "hangup" then
    session:streamFile(PROMPTS .. "not_possible.wav")
    return false
  end
  session:streamFile(PROMPTS .. prompt .. ".wav")
  return true
end

session:answer()
session:setAutoHangup(false)
session:setVariable("api_hangup_hook", "lua ivr-bridge.lua event " .. with({ event = "ended" }))
tell("entered")

while session:ready() do
  if offer() then
    session:hangup()
    return
  end
  if not session:ready() then return end
  tell("queued")
  -- The queue gives the caller back after a minute (max-wait-time). The place is the time since the
  -- call came in (time-base-score: system), so nobody loses it by leaving for the offer.
  session:execute("callcenter", QUEUE)
  if session:getVariable("cc_cause") == "answered" then
    tell("answered")
    return
  end
  if session:getVariable("cc_cancel_reason") ~= "TIMEOUT" then
    -- Nobody works in the queue: your own way out stands here, voice mail for example.
    session:hangup()
    return
  end
end
