// IVR Bridge for Voximplant: the offer before the queue and each minute in it. The request for an
// operator stays in the queue meanwhile, so the place is never given up.
require(Modules.ACD);

const BRIDGE = "https://bridge.example";
const KEY = "ib_the-key-of-your-line";
const LINE = ""; // empty: the number that was dialled
const QUEUE = "support";
const PROMPTS = "https://files.example/ivr-bridge/"; // offer.mp3, not_possible.mp3, music.mp3 …
const OFFER_EVERY_S = 60;
const KEY_WITHIN_S = 5; // after the end of the prompt
const DEADLINE_MS = 2500;

const GO_ON = { action: "continue", prompt_key: "not_possible" };

VoxEngine.addEventListener(AppEvents.CallAlerting, ({ call, callerid, destination }) => {
  const who = { call_id: call.id(), line: LINE || destination, caller: callerid || "" };
  let over = false; // the caller left, or talks to an operator
  let saidNo = false;
  let waiting = null; // the request for an operator
  let place = {};
  let onKey = () => {};
  let onFinished = () => {};

  call.handleTones(true);
  call.addEventListener(CallEvents.ToneReceived, (event) => onKey(event.tone));
  call.addEventListener(CallEvents.PlaybackFinished, () => onFinished());
  call.addEventListener(CallEvents.Failed, () => VoxEngine.terminate());
  call.addEventListener(CallEvents.Disconnected, async () => {
    over = true;
    leaveQueue();
    await tell("ended");
    VoxEngine.terminate();
  });
  call.addEventListener(CallEvents.Connected, async () => {
    tell("entered");
    if (!(await offer())) queue();
  });
  call.answer();

  // Ask, offer, move. True when goodbye has been said and the call is over.
  async function offer() {
    const may = await ask("/v1/eligibility", place);
    if (may.action !== "offer" || over) return false;
    tell("offered");
    const key = await play("offer", KEY_WITHIN_S);
    if (over) return false;
    if (key === "2") {
      saidNo = true;
      tell("declined");
    }
    if (key !== "1") return false;
    tell("accepted");
    music();
    const told = await ask("/v1/deflections", { ...place, digits: "1" });
    // An operator who came meanwhile is worth more than a goodbye.
    if (over) return false;
    if (told.action !== "hangup") {
      await play("not_possible");
      return false;
    }
    leaveQueue();
    await play(told.prompt_key);
    call.hangup();
    return true;
  }

  function queue() {
    if (over) return;
    tell("queued");
    music();
    waiting = VoxEngine.enqueueACDRequest(QUEUE, who.caller);
    waiting.addEventListener(ACDEvents.Queued, () => waiting.getStatus());
    waiting.addEventListener(ACDEvents.Waiting, (event) => {
      place = { queue_position: event.position, voice_wait_s: Math.round(event.ewt * 60) };
    });
    waiting.addEventListener(ACDEvents.OperatorReached, (event) => {
      over = true;
      waiting = null;
      onKey("");
      call.stopPlayback();
      VoxEngine.sendMediaBetween(call, event.operatorCall);
      event.operatorCall.addEventListener(CallEvents.Disconnected, () => call.hangup());
      tell("answered");
    });
    for (const closed of [ACDEvents.Offline, ACDEvents.QueueFull, ACDEvents.Error]) {
      // Nobody can answer: your own way out stands here, voice mail for example.
      waiting.addEventListener(closed, () => call.hangup());
    }
    setTimeout(again, OFFER_EVERY_S * 1000);
  }

  function leaveQueue() {
    if (waiting) waiting.cancel();
    waiting = null;
  }

  async function again() {
    if (over || saidNo) return;
    waiting.getStatus();
    if (await offer()) return;
    if (over) return;
    music();
    setTimeout(again, OFFER_EVERY_S * 1000);
  }

  // Play a prompt; the key pressed during it or within so many seconds after it, else "".
  function play(prompt, seconds) {
    return new Promise((resolve) => {
      let timer = null;
      const done = (key) => {
        clearTimeout(timer);
        onKey = onFinished = () => {};
        call.stopPlayback();
        resolve(key);
      };
      if (over) return resolve("");
      onKey = (key) => (seconds || key === "") && done(key);
      onFinished = () => (seconds ? (timer = setTimeout(() => done(""), seconds * 1000)) : done(""));
      call.startPlayback(PROMPTS + prompt + ".mp3");
    });
  }

  function music() {
    if (!over) call.startPlayback(PROMPTS + "music.mp3", { loop: true });
  }

  // The bridge's answer; whatever is not a whole answer with status 200 means: go on.
  async function ask(path, more) {
    try {
      const answer = await post(path, { ...who, ...more, deadline_ms: DEADLINE_MS }, DEADLINE_MS / 1000 + 0.5);
      if (answer.code !== 200) return GO_ON;
      const told = JSON.parse(answer.text); // half of it does not parse
      return ["offer", "hangup"].includes(told.action) ? told : GO_ON;
    } catch (broken) {
      return GO_ON;
    }
  }

  // The call does not depend on it.
  async function tell(event) {
    try {
      await post("/v1/calls/events", { ...who, event, at: new Date().toISOString() }, 2);
    } catch (lost) {
      Logger.write("ivr-bridge: event lost");
    }
  }

  function post(path, body, timeout) {
    return Net.httpRequestAsync(BRIDGE + path, {
      method: "POST",
      headers: { Authorization: "Bearer " + KEY, "Content-Type": "application/json" },
      postData: JSON.stringify(body),
      connectionTimeout: 2,
      timeout: Math.ceil(timeout),
    });
  }
});
