// The page's only way to the server: a few fetches and one event stream.

async function ask(path, options) {
  const reply = await fetch(path, options);
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  return reply.json();
}

const post = (path, body) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

export const state = () => ask("/sim/state");
export const messages = (chat, user) => ask(`/sim/chats/${chat}/messages?user=${user}`);
export const send = (user, chat, text) => post("/sim/send", { user, chat, text });
export const tap = (user, chat, message_id, data) => post("/sim/tap", { user, chat, message_id, data });
export const tapState = (id) => ask(`/sim/taps/${id}`);
export const addPerson = (name, language_code) => post("/sim/people", { name, language_code });
export const fileUrl = (id) => `/sim/files/${id}`;

export function sendFile(user, chat, file, caption, as) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ user, chat, caption, as })) form.append(name, value);
  form.append("document", file);
  return ask("/sim/document", { method: "POST", body: form });
}

export function listen(handlers, opened, lost) {
  const source = new EventSource("/sim/events");
  source.onopen = opened;
  source.onerror = lost;
  for (const [kind, handle] of Object.entries(handlers)) {
    source.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
  }
}
