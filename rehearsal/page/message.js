// One message, or one album, as DOM. Knows nothing of chats, scrolling or the server's events.

import { fileUrl } from "/page/api.js";
import { clock, size, word } from "/page/words.js";

export function node(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function icon(path) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  made.append(line);
  return made;
}

const COPY = "M9 9h10v11H9zM5 15V4h10";
const DOWNLOAD = "M12 4v11m-5-4.5 5 5 5-5M5 20h14";
const LINK = "M9 15 15 9M10 6l1-1a4.2 4.2 0 0 1 6 6l-1 1M14 18l-1 1a4.2 4.2 0 0 1-6-6l1-1";

export const hue = (number) => (Math.abs(number) * 67 + 210) % 360;

function picture(message) {
  const large = message.photo.at(-1);
  const image = new Image(large.width, large.height);
  image.className = "picture";
  image.alt = message.caption || word("photo");
  image.src = fileUrl(large.file_id);
  image.dataset.file = large.file_id;
  image.style.aspectRatio = `${large.width} / ${large.height}`;
  image.decoding = "async";
  const frame = node("button", "frame", image);
  frame.type = "button";
  frame.dataset.picture = large.file_id;
  frame.setAttribute("aria-label", image.alt);
  return frame;
}

function documentRow(message) {
  const file = message.document;
  const suffix = file.file_name.includes(".") ? file.file_name.split(".").pop().slice(0, 5) : "";
  const badge = node("span", "badge", icon(DOWNLOAD));
  const row = node(
    "a",
    "document",
    badge,
    node("span", "document-words", node("b", "", file.file_name), node("small", "", `${size(file.size)} · ${suffix.toUpperCase()}`)),
  );
  row.href = fileUrl(file.file_id);
  row.download = file.file_name;
  return row;
}

function words(message) {
  const made = node("div", "words");
  made.innerHTML = message.html; // escaped by the server, which alone puts tags in
  return made;
}

function stamp(message) {
  const made = node("span", "stamp", message.edited ? `${word("edited")} ${clock(message.date)}` : clock(message.date));
  return made;
}

function keyboardButton(message, button) {
  const made = node("button", `key ${button.style ?? ""}`, node("span", "", button.text));
  made.type = "button";
  if (button.callback_data) made.dataset.tap = button.callback_data;
  if (button.copy_text) {
    made.dataset.copy = button.copy_text;
    made.append(icon(COPY));
  }
  if (button.url) {
    made.dataset.url = button.url;
    made.append(icon(LINK));
  }
  made.dataset.message = message.message_id;
  return made;
}

function keyboard(message) {
  const rows = message.buttons.map((row) => node("div", "keys-row", ...row.map((one) => keyboardButton(message, one))));
  return node("div", "keys", ...rows);
}

function quote(message, replied) {
  const said = replied ? replied.text || replied.caption || word(replied.document ? "file" : "photo") : "…";
  const made = node("button", "quote", node("b", "", replied?.name ?? ""), node("span", "", said));
  made.type = "button";
  made.dataset.jump = message.reply_to;
  return made;
}

function service(messages, lookUp) {
  const [message] = messages;
  const text = message.joined.length ? word("did_join", { who: message.joined.join(", ") }) : word("did_pin", { who: message.name });
  const made = node("button", "service", node("span", "", text));
  made.type = "button";
  if (lookUp(message.pinned_message)) made.dataset.jump = message.pinned_message;
  return made;
}

// `messages` is one message, or the parts of one album. `shown` says who looks and whether names are needed.
export function render(messages, lookUp, shown) {
  const [first] = messages;
  const last = messages.at(-1);
  if (first.pinned_message || first.joined.length) return service(messages, lookUp);
  const mine = first.sender === shown.person;
  const bubble = node("div", "bubble");
  if (shown.names && !mine) {
    const name = node("b", "name", first.name);
    name.style.setProperty("--hue", hue(first.sender));
    bubble.append(name);
  }
  if (first.reply_to) bubble.append(quote(first, lookUp(first.reply_to)));
  const pictures = messages.filter((one) => one.photo.length);
  if (pictures.length) bubble.append(node("div", `pictures of-${pictures.length}`, ...pictures.map(picture)));
  for (const one of messages) if (one.document) bubble.append(documentRow(one));
  const spoken = messages.filter((one) => one.html);
  const captioned = spoken.length === 1 ? spoken : spoken.slice(0, messages.length === 1 ? 1 : 0);
  for (const one of captioned) bubble.append(words(one));
  if (first.reactions.length) bubble.append(node("span", "reactions", ...first.reactions));
  bubble.append(stamp(last));
  bubble.classList.toggle("bare", pictures.length > 0 && captioned.length === 0);
  bubble.classList.toggle("with-pictures", pictures.length > 0);
  bubble.classList.toggle("with-keys", last.buttons.length > 0);
  const made = node("article", `message ${mine ? "mine" : "theirs"} ${last.edited ? "edited" : ""}`, bubble);
  if (last.buttons.length) made.append(keyboard(last));
  made.dataset.id = first.message_id;
  return made;
}
