// Puts the page together: who looks, which chat is open, and what happens when something happens.

import * as api from "/page/api.js";
import * as chats from "/page/chats.js";
import * as composer from "/page/composer.js";
import { askNewcomer, find, toast } from "/page/dialogs.js";
import { node } from "/page/message.js";
import * as taps from "/page/taps.js";
import * as thread from "/page/thread.js";
import { speak, word } from "/page/words.js";

const TYPING_MS = 5000; // Bot API: a chat action shows for five seconds
let world = { people: [], chats: [], bot: {} };
let person = 0;
let chat = 0;
let opened = ""; // which person and chat the thread shows
let typingTimer;
const unread = new Map();

const someone = () => world.people.find((one) => one.id === person);
const current = () => world.chats.find((one) => one.id === chat && one.members.includes(person));

function go(nextPerson, nextChat) {
  location.hash = `/${nextPerson}/${nextChat || ""}`;
}

function whereFromHash() {
  const [, who, where] = location.hash.split("/");
  const wide = matchMedia("(min-width: 760px)").matches;
  person = Number(who) || Number(localStorage.getItem("person")) || world.people[0]?.id;
  if (!someone()) person = world.people[0]?.id;
  chat = Number(where) || (wide ? person : 0);
  if (!current()) chat = 0;
  localStorage.setItem("person", person);
}

function drawSide() {
  const mine = world.chats.filter((one) => one.members.includes(person));
  mine.sort((a, b) => (b.last?.message_id ?? 0) - (a.last?.message_id ?? 0));
  chats.me(someone());
  chats.list(mine, chat, unread, (id) => go(person, id));
  chats.people(world.people, person, (id) => { showPeople(false); go(id, matchMedia("(min-width: 760px)").matches ? id : ""); }, addPerson);
}

function drawHeader() {
  const here = current();
  const isBot = here.type === "private";
  find("chat-title").textContent = here.title;
  find("chat-state").textContent = isBot ? word("bot") : word("people", { n: here.members.length });
  find("chat-state").classList.remove("active");
  chats.avatar(find("chat-avatar"), here.title, here.id, isBot);
  const begin = isBot && !someone().started;
  find("start").hidden = !begin;
  find("composer").hidden = begin;
}

function about() {
  const seal = new Image(88, 88);
  seal.src = "/page/seal.svg";
  seal.alt = "";
  const text = current().description;
  return node("div", "about", seal, node("b", "", text ? word("about") : current().title), node("p", "", text));
}

async function draw() {
  whereFromHash();
  speak(someone().language_code);
  unread.delete(chat);
  drawSide();
  const here = current();
  find("app").classList.toggle("in-chat", Boolean(here));
  find("chat").hidden = !here;
  find("nothing").hidden = Boolean(here);
  document.title = here ? `${here.title} · ${someone().name}` : "Styleseal";
  if (!here) { opened = ""; return; }
  drawHeader();
  if (opened !== location.hash + person + chat) {
    composer.moveTo(person, chat, here.commands, ""); // what is tapped while the thread loads belongs here already
    await openThread(here);
    if (!current() || chat !== here.id) return;
  }
  composer.moveTo(person, chat, here.commands, thread.asks());
}

async function openThread(here) {
  const mark = location.hash + person + chat;
  const messages = await api.messages(chat, person);
  if (chat !== here.id) return;
  opened = mark;
  thread.open(messages, person, here.type !== "private", about());
  thread.pin(here.pinned);
}

async function refresh() {
  world = await api.state();
  await draw();
}

function onMessage({ message }, kind) {
  const place = world.chats.find((one) => one.id === message.chat);
  if (!place) return;
  if (kind === "message" || place.last?.message_id === message.message_id) place.last = message;
  if (message.chat === chat && opened) {
    if (kind === "message") { if (message.from_bot) stopTyping(); thread.add(message); } else thread.change(message);
    taps.showWaiting(find("thread"));
    thread.pin(place.pinned);
    composer.moveTo(person, chat, place.commands, thread.asks());
  } else if (kind === "message" && message.from_bot) {
    unread.set(message.chat, (unread.get(message.chat) ?? 0) + 1);
  }
  drawSide();
}

function stopTyping() {
  clearTimeout(typingTimer);
  thread.typing(null);
  if (current()) drawHeader();
}

function onTyping({ chat: where, action }) {
  if (where !== chat) return;
  const label = word(["upload_photo", "upload_document"].includes(action) ? action : "typing");
  find("chat-state").textContent = label;
  find("chat-state").classList.add("active");
  thread.typing(label);
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, TYPING_MS);
}

async function addPerson() {
  showPeople(false);
  const asked = await askNewcomer();
  if (!asked) return;
  const { id } = await api.addPerson(asked.name, asked.language);
  await refresh();
  go(id, id);
}

function showPeople(open) {
  find("people").hidden = !open;
  find("me").setAttribute("aria-expanded", open);
}

function followLink(url) {
  const start = url.match(/^https?:\/\/t\.me\/(\w+)\?start=([\w-]+)$/);
  if (start?.[1] === world.bot.username) return api.send(person, person, `/start ${start[2]}`);
  return window.open(url, "_blank", "noopener,noreferrer");
}

async function copy(text) {
  await navigator.clipboard?.writeText(text).catch(() => {});
  toast(word("copied", { text }));
}

find("chat").addEventListener("click", (event) => {
  const target = event.target.closest("button, a, .spoiler");
  if (!target) return;
  const { tap, copy: copied, url, picture, jump, command } = target.dataset;
  if (tap) taps.press(person, chat, target);
  else if (copied) copy(copied);
  else if (url) followLink(url);
  else if (picture) thread.pictures(picture);
  else if (jump) thread.jump(jump);
  else if (command) composer.say(command);
  else if (target.classList.contains("spoiler")) target.classList.add("open");
  else if (target.href?.startsWith("https://t.me/")) { event.preventDefault(); followLink(target.href); }
});

find("me").addEventListener("click", () => showPeople(find("people").hidden));
find("back").addEventListener("click", () => go(person, ""));
find("start").addEventListener("click", () => composer.say("/start"));
document.addEventListener("click", (event) => { if (!event.target.closest("#me, #people")) showPeople(false); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") showPeople(false); });

function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

find("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const next = dark ? "light" : "dark";
  localStorage.setItem("theme", next);
  showTheme(next);
});

showTheme(localStorage.getItem("theme"));
addEventListener("hashchange", draw);
api.listen(
  {
    message: (event) => onMessage(event, "message"),
    edit: (event) => onMessage(event, "edit"),
    delete: ({ chat: where, message_id }) => { if (where === chat) thread.remove(message_id); },
    answer: (event) => { if (event.person === person) taps.answered(event); },
    typing: onTyping,
    draft: ({ chat: where }) => onTyping({ chat: where, action: "typing" }),
    pin: ({ chat: where, pinned }) => {
      const place = world.chats.find((one) => one.id === where);
      if (place) place.pinned = pinned;
      if (where === chat) thread.pin(pinned);
    },
    people: refresh,
    profile: refresh,
  },
  () => { opened = ""; refresh(); }, // also after the server came back: what was missed is read again
  () => toast(word("gone")),
);
