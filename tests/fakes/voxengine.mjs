// As much of VoxEngine as the recipe uses: one caller, one queue, and real requests.
//   node voxengine.mjs '{"scenario": "…", "caller": "+7…", "dialled": "+7…", "presses": ["1"], …}'
// Prints what the caller met, as a JSON list.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const played = JSON.parse(process.argv[2]);
const met = [];
const listeners = new Map();
const on = (owner, name, act) => listeners.set(`${owner}/${name}`, [...(listeners.get(`${owner}/${name}`) ?? []), act]);
const emit = (owner, name, event = {}) => (listeners.get(`${owner}/${name}`) ?? []).forEach((act) => act(event));
const names = (...all) => Object.fromEntries(all.map((name) => [name, name]));

const presses = [...played.presses];
let playing = 0;
let hungUp = false;

const call = {
  id: () => played.call_id,
  handleTones() {},
  answer: () => setImmediate(() => emit("call", "Connected")),
  addEventListener: (name, act) => on("call", name, act),
  startPlayback(url, options = {}) {
    const prompt = url.split("/").pop().replace(".mp3", "");
    met.push(options.loop ? prompt : `play ${prompt}`);
    const mine = ++playing;
    if (options.loop) return;
    const key = prompt === "offer" ? presses.shift() ?? "" : "";
    if (key) setImmediate(() => emit("call", "ToneReceived", { tone: key }));
    else setTimeout(() => mine === playing && emit("call", "PlaybackFinished"), 5);
    if (key === "1" && played.on_press) fetch(played.on_press).catch(() => {});
  },
  stopPlayback: () => void playing++,
  hangup() {
    if (hungUp) return;
    hungUp = true;
    met.push("hung up");
    setImmediate(() => emit("call", "Disconnected"));
  },
};

const waiting = {
  addEventListener: (name, act) => on("queue", name, act),
  getStatus: () => setImmediate(() => emit("queue", "Waiting", { position: 4, ewt: 9 })),
  cancel: () => met.push("left the queue"),
};

const operatorCall = { addEventListener: (name, act) => on("operator", name, act) };

globalThis.VoxEngine = {
  addEventListener: (name, act) => on("app", name, act),
  enqueueACDRequest(queue) {
    met.push(`queue ${queue}`);
    setImmediate(() => emit("queue", "Queued"));
    setTimeout(() => !hungUp && emit("queue", played.queue_ends, { operatorCall }), played.queue_ends_after_ms);
    return waiting;
  },
  sendMediaBetween() {
    met.push("operator");
    setTimeout(() => emit("operator", "Disconnected"), 20);
  },
  terminate() {
    console.log(JSON.stringify(met));
    process.exit(0);
  },
};
globalThis.AppEvents = names("CallAlerting");
globalThis.CallEvents = names("Connected", "Disconnected", "Failed", "ToneReceived", "PlaybackFinished");
globalThis.ACDEvents = names("Queued", "Waiting", "OperatorReached", "Offline", "QueueFull", "Error");
globalThis.Modules = names("ACD");
globalThis.Logger = { write: (text) => console.error(text) };
globalThis.require = () => {};
globalThis.Net = { httpRequestAsync };

async function httpRequestAsync(url, options) {
  // At its worst: a timeout or a broken connection gives what had come by then, under its status.
  let text = "";
  try {
    const answer = await fetch(url, {
      method: options.method,
      headers: options.headers,
      body: options.postData,
      redirect: "manual",
      signal: AbortSignal.timeout(options.timeout * 1000),
    });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of answer.body) text += decoder.decode(chunk, { stream: true });
    } catch {}
    return { code: answer.status, text };
  } catch {
    return { code: -1, text };
  }
}

let source = readFileSync(played.scenario, "utf8");
for (const [name, value] of Object.entries(played.constants)) {
  const declared = new RegExp(`^const ${name} = .*?;`, "m");
  if (!declared.test(source)) throw new Error(`no ${name} in the scenario`);
  source = source.replace(declared, `const ${name} = ${JSON.stringify(value)};`);
}
vm.runInThisContext(source, { filename: "scenario.js" });
emit("app", "CallAlerting", { call, callerid: played.caller, destination: played.dialled });
