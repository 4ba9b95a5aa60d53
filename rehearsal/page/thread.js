// The open chat: messages in order, edits in place, typing, the pinned bar. Who stands at the bottom stays there,
// whatever comes, grows or shrinks; who has scrolled up to read is never moved.

import { find, lightbox } from "/page/dialogs.js";
import { node, render } from "/page/message.js";
import { day, word } from "/page/words.js";

const NEAR_BOTTOM_PX = 24;
const scroll = find("scroll");
const thread = find("thread");
const known = new Map(); // message id → message
const drawn = new Map(); // first message id of a bubble → its element
let shown = { person: 0, names: false };
let unseen = 0;
let following = true; // the reader stands at the bottom
let lastTop = 0;

const atBottom = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_BOTTOM_PX;

function toBottom() {
  following = true;
  scroll.scrollTo({ top: scroll.scrollHeight, behavior: "instant" }); // at once: what moves is tapped wrongly
}

function headOf(message) {
  if (!message.media_group_id) return message.message_id;
  return Math.min(...album(message).map((one) => one.message_id));
}

function album(message) {
  if (!message.media_group_id) return [message];
  return [...known.values()].filter((one) => one.media_group_id === message.media_group_id);
}

function make(message) {
  const made = render(album(message), (id) => known.get(id), shown);
  made.dataset.sender = message.sender;
  made.dataset.day = day(message.date);
  made.dataset.at = message.date;
  return made;
}

// A picture that changes stays until the next one is decoded, so that progress sheets do not flicker.
function keepPictures(before, after) {
  const old = before.querySelectorAll?.("img.picture") ?? [];
  after.querySelectorAll?.("img.picture").forEach((image, index) => {
    const previous = old[index];
    if (!previous) return;
    if (previous.dataset.file === image.dataset.file) return image.replaceWith(previous);
    const next = image.src;
    image.src = previous.currentSrc || previous.src;
    const loader = new Image();
    loader.src = next;
    loader.decode().catch(() => {}).then(() => { image.src = next; });
  });
}

function arrange() {
  thread.querySelectorAll(".day").forEach((line) => line.remove());
  let before = null;
  for (const item of [...thread.children]) {
    if (!item.dataset.day) continue;
    const newDay = item.dataset.day !== before?.dataset.day;
    if (newDay) item.before(node("div", "day", node("span", "", item.dataset.day)));
    const follows = !newDay && before.dataset.sender === item.dataset.sender && item.dataset.at - before.dataset.at < 300;
    item.classList.toggle("follows", follows && !before.classList.contains("service"));
    before?.classList.toggle("followed", follows);
    before = item;
  }
  before?.classList.remove("followed");
}

function put(message) {
  const head = headOf(message);
  const made = make(known.get(head));
  const old = drawn.get(head);
  drawn.set(head, made);
  if (old) {
    keepPictures(old, made);
    old.replaceWith(made);
  } else {
    thread.insertBefore(made, thread.querySelector(".typing"));
  }
  return made;
}

export function open(messages, person, names, about) {
  known.clear();
  drawn.clear();
  shown = { person, names };
  thread.replaceChildren();
  for (const message of messages) known.set(message.message_id, message);
  for (const message of messages) if (headOf(message) === message.message_id) put(message);
  if (!messages.length) thread.append(about);
  arrange();
  unseen = 0;
  toBottom();
  mark();
}

export function add(message) {
  if (message.sender === shown.person) following = true;
  known.set(message.message_id, message);
  thread.querySelector(".about")?.remove();
  if (message.from_bot) typing(null);
  const made = put(message);
  made.classList.add("fresh");
  arrange();
  if (following) toBottom();
  else unseen += 1;
  mark();
}

export function change(message) {
  if (!known.has(message.message_id)) return;
  const height = scroll.scrollHeight;
  const item = drawn.get(headOf(message));
  const above = item && item.getBoundingClientRect().bottom < scroll.getBoundingClientRect().top;
  known.set(message.message_id, message);
  put(message);
  arrange();
  if (following) toBottom();
  else if (above) scroll.scrollTop += scroll.scrollHeight - height;
}

export function remove(id) {
  const message = known.get(id);
  if (!message) return;
  const head = headOf(message);
  drawn.get(head)?.remove();
  drawn.delete(head);
  known.delete(id);
  const rest = message.media_group_id && [...known.values()].find((one) => one.media_group_id === message.media_group_id);
  if (rest) put(rest);
  arrange();
}

export function typing(label) {
  const there = thread.querySelector(".typing");
  if (!label) return there?.remove();
  if (there) return;
  const dots = node("div", "message theirs typing", node("div", "bubble", node("i"), node("i"), node("i")));
  dots.setAttribute("aria-label", label);
  thread.append(dots);
}

export function pin(numbers) {
  const message = numbers.map((id) => known.get(id)).findLast(Boolean);
  find("pinned").hidden = !message;
  if (!message) return;
  find("pinned").dataset.jump = message.message_id;
  find("pinned-text").textContent = (message.text || message.caption || word("photo")).split("\n")[0];
}

export function jump(id) {
  const message = known.get(Number(id));
  const item = message && drawn.get(headOf(message));
  if (!item) return;
  meant();
  item.scrollIntoView({ block: "center", behavior: "smooth" });
  item.classList.add("found");
  setTimeout(() => item.classList.remove("found"), 1400);
}

export function pictures(start) {
  const all = [...known.values()].filter((one) => one.photo.length);
  const gallery = all.map((one) => ({ file: one.photo.at(-1).file_id, words: one.caption ?? "" }));
  lightbox(gallery, gallery.findIndex((one) => one.file === start));
}

export const asks = () => [...known.values()].findLast((one) => one.from_bot)?.asks;

function mark() {
  if (atBottom()) { following = true; unseen = 0; }
  find("down").hidden = following;
  find("down-count").hidden = unseen === 0;
  find("down-count").textContent = unseen;
}

// Only a reader goes up. A window that grows and a message that shrinks move the page too, often just after a tap.
const BY_HAND_MS = 1000;
const UPWARDS = new Set(["ArrowUp", "PageUp", "Home"]);
let byHand = -BY_HAND_MS;
const meant = () => { byHand = performance.now(); };
scroll.addEventListener("wheel", meant, { passive: true });
scroll.addEventListener("touchmove", meant, { passive: true });
scroll.addEventListener("pointerdown", (event) => { if (event.target === scroll) meant(); }); // its bar
addEventListener("keydown", (event) => { if (UPWARDS.has(event.key)) meant(); });

scroll.addEventListener("scroll", () => {
  if (scroll.scrollTop < lastTop - 1 && performance.now() - byHand < BY_HAND_MS) following = false;
  lastTop = scroll.scrollTop;
  mark();
}, { passive: true });
find("down").addEventListener("click", toBottom);

// Messages, pictures and keyboards grow; a window, a pinned bar or a phone's keyboard takes room from below.
let tall = scroll.clientHeight;
const room = new ResizeObserver(() => {
  const taken = tall - scroll.clientHeight;
  tall = scroll.clientHeight;
  if (following) toBottom();
  else scroll.scrollTop += taken;
  mark();
});
room.observe(scroll);
room.observe(thread);
