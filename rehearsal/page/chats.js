// The list of chats and the people who can be played.

import { find } from "/page/dialogs.js";
import { hue, node } from "/page/message.js";
import { clock, word } from "/page/words.js";

const LANGUAGES = { en: "English", ru: "Русский", ko: "한국어" };

export function avatar(target, name, number, isBot = false) {
  target.replaceChildren();
  target.classList.toggle("is-bot", isBot);
  if (isBot) {
    const seal = new Image();
    seal.src = "/page/seal.svg";
    seal.alt = "";
    target.append(seal);
    return target;
  }
  target.style.setProperty("--hue", hue(number));
  target.append([...name.trim()][0]?.toUpperCase() ?? "?");
  return target;
}

function preview(message) {
  if (!message) return "";
  if (message.pinned_message) return word("did_pin", { who: message.name });
  const text = (message.text || message.caption || "").replace(/\s+/g, " ");
  if (message.document) return `${word("file")}: ${message.document.file_name}`;
  if (message.photo.length) return text || word(message.media_group_id ? "album" : "photo");
  return text;
}

const about = (chat) =>
  chat.type === "private" ? chat.description || word("bot") : word("people", { n: chat.members.length });

export function list(chats, openChat, unread, choose) {
  const items = chats.map((chat) => {
    const lines = node(
      "span",
      "lines",
      node("span", "line", node("strong", "", chat.title), node("time", "", chat.last ? clock(chat.last.date) : "")),
      node("span", "line", node("span", "preview", preview(chat.last) || about(chat))),
    );
    if (unread.get(chat.id)) lines.lastChild.append(node("span", "count", String(unread.get(chat.id))));
    const button = node("button", "chat-card", avatar(node("span", "avatar"), chat.title, chat.id, chat.type === "private"), lines);
    button.type = "button";
    if (chat.id === openChat) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose(chat.id));
    return node("li", "", button);
  });
  find("chats").replaceChildren(...items);
}

export function me(person) {
  avatar(find("me-avatar"), person.name, person.id);
  find("me-name").textContent = person.name;
  find("me-language").textContent = LANGUAGES[person.language_code] ?? person.language_code;
}

export function people(all, current, choose, add) {
  const items = all.map((person) => {
    const button = node(
      "button",
      "menu-item",
      avatar(node("span", "avatar small"), person.name, person.id),
      node("span", "", person.name),
      node("small", "", person.language_code),
    );
    button.type = "button";
    button.role = "menuitemradio";
    button.setAttribute("aria-checked", person.id === current);
    button.addEventListener("click", () => choose(person.id));
    return button;
  });
  const more = node("button", "menu-item more", node("span", "avatar small", "+"), node("span", "", word("new_person")));
  more.type = "button";
  more.role = "menuitem";
  more.addEventListener("click", add);
  find("people").replaceChildren(node("p", "menu-title", word("switch")), ...items, more);
}
