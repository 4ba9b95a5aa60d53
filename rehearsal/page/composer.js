// Where a person writes: text in several lines, files, the menu of commands.

import * as api from "/page/api.js";
import { askHowToSend, find, toast } from "/page/dialogs.js";
import { node } from "/page/message.js";
import { word } from "/page/words.js";

const text = find("text");
const menu = find("commands");
const drafts = new Map(); // chat → what was not sent yet
let here = { person: 0, chat: 0, commands: [] };

const trouble = () => toast(word("failed"));

function grow() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 168)}px`;
  find("composer").classList.toggle("ready", text.value.trim() !== "");
}

export const say = (words) => api.send(here.person, here.chat, words).catch(trouble);

function submit() {
  const words = text.value.trim();
  if (!words) return;
  text.value = "";
  grow();
  menu.hidden = true;
  say(words);
}

function showCommands(commands) {
  menu.replaceChildren(
    ...commands.map((one) => {
      const item = node("button", "menu-item", node("b", "", `/${one.command}`), node("span", "", one.description));
      item.type = "button";
      item.role = "menuitem";
      item.addEventListener("click", () => {
        text.value = "";
        grow();
        toggle(false);
        say(`/${one.command}`);
      });
      return item;
    }),
  );
  toggle(commands.length > 0);
}

function toggle(open) {
  menu.hidden = !open;
  find("menu").setAttribute("aria-expanded", open);
}

export function moveTo(person, chat, commands, asks) {
  if (here.chat !== chat) {
    drafts.set(here.chat, text.value);
    text.value = drafts.get(chat) ?? "";
    toggle(false);
  }
  here = { person, chat, commands };
  text.placeholder = asks || word("message");
  text.setAttribute("aria-label", word("message"));
  find("menu").hidden = commands.length === 0;
  grow();
}

async function attach(file) {
  const how = file && (await askHowToSend(file));
  if (how) await api.sendFile(here.person, here.chat, file, how.caption, how.as).catch(trouble);
}

text.addEventListener("input", () => {
  grow();
  const typed = text.value;
  const fitting = here.commands.filter((one) => `/${one.command}`.startsWith(typed));
  if (/^\/\w*$/.test(typed)) showCommands(fitting);
  else toggle(false);
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit();
  }
  if (event.key === "Escape") toggle(false);
  if (event.key === "ArrowUp" && !menu.hidden) menu.lastChild.focus();
});
menu.addEventListener("keydown", (event) => {
  const by = { ArrowUp: "previousSibling", ArrowDown: "nextSibling" }[event.key];
  if (by) (document.activeElement[by] ?? text).focus();
  if (event.key === "Escape") { toggle(false); text.focus(); }
});
text.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) { event.preventDefault(); attach(file); }
});
find("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
find("menu").addEventListener("click", () => (menu.hidden ? showCommands(here.commands) : toggle(false)));
find("attach").addEventListener("click", () => find("file").click());
find("file").addEventListener("change", async (event) => {
  await attach(event.target.files[0]);
  event.target.value = "";
});
find("chat").addEventListener("dragover", (event) => event.preventDefault());
find("chat").addEventListener("drop", (event) => { event.preventDefault(); attach(event.dataTransfer.files[0]); });
