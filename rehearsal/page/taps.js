// Presses on inline buttons: spinner until the bot answers, then a toast or an alert.

import * as api from "/page/api.js";
import { alertBox, toast } from "/page/dialogs.js";
import { word } from "/page/words.js";

const GIVE_UP_MS = 20_000; // about when a Telegram client lets go of the spinner
const waiting = new Map(); // tap id → the key's message and data

const keyOf = ({ message, data }) =>
  document.querySelector(`.key[data-message="${message}"][data-tap="${CSS.escape(data)}"]`);

const isWaiting = (message, data) =>
  [...waiting.values()].some((one) => one.message === message && one.data === data);

export async function press(person, chat, key) {
  const tapped = { message: key.dataset.message, data: key.dataset.tap };
  key.classList.add("waiting");
  key.setAttribute("aria-busy", "true");
  try {
    const { id } = await api.tap(person, chat, Number(tapped.message), tapped.data);
    waiting.set(id, tapped);
    setTimeout(() => waiting.has(id) && finish(id, word("no_answer"), false), GIVE_UP_MS);
    const state = await api.tapState(id); // the answer may have come before we knew the id
    if (state.answered) answered(state);
  } catch {
    key.classList.remove("waiting");
    toast(word("failed"));
  }
}

export function answered({ id, text, alert }) {
  if (waiting.has(id)) finish(id, text, alert);
}

function finish(id, text, alert) {
  const tapped = waiting.get(id);
  waiting.delete(id);
  const key = keyOf(tapped);
  key?.classList.remove("waiting");
  key?.removeAttribute("aria-busy");
  if (text) (alert ? alertBox : toast)(text);
}

// An edit draws the keyboard anew while an answer is still on its way.
export function showWaiting(root) {
  for (const key of root.querySelectorAll(".key[data-tap]")) {
    key.classList.toggle("waiting", isWaiting(key.dataset.message, key.dataset.tap));
  }
}
