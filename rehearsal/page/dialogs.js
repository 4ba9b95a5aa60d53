// Toasts, alerts, the lightbox and the two small forms.

import * as api from "/page/api.js";
import { word } from "/page/words.js";

export const find = (id) => document.getElementById(id);

let toastTimer;
export function toast(text) {
  const node = find("toast");
  node.textContent = text;
  node.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => node.classList.remove("shown"), Math.min(6000, 2200 + 35 * text.length));
}

export function alertBox(text) {
  find("alert-text").textContent = text;
  find("alert").showModal();
}

function closed(dialog) {
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

export async function askNewcomer() {
  const dialog = find("newcomer");
  find("newcomer-name").value = "";
  dialog.returnValue = "no";
  dialog.showModal();
  if ((await closed(dialog)) !== "yes") return null;
  const name = find("newcomer-name").value.trim();
  return name ? { name, language: find("newcomer-language").value } : null;
}

export async function askHowToSend(file) {
  const dialog = find("sending");
  const picture = find("sending-picture");
  const isPicture = file.type.startsWith("image/");
  const url = isPicture ? URL.createObjectURL(file) : "";
  picture.hidden = find("as-photo").hidden = !isPicture;
  picture.src = url;
  find("sending-name").textContent = file.name;
  find("sending-caption").value = "";
  dialog.returnValue = "no";
  dialog.showModal();
  const as = await closed(dialog);
  URL.revokeObjectURL(url);
  return as === "no" || !as ? null : { as, caption: find("sending-caption").value };
}

let gallery = [];
let place = 0;

function showPicture() {
  const { file, words } = gallery[place];
  find("lightbox-picture").src = api.fileUrl(file);
  find("lightbox-picture").alt = words || word("photo");
  find("lightbox-words").textContent = words;
  find("lightbox").classList.toggle("first", place === 0);
  find("lightbox").classList.toggle("last", place === gallery.length - 1);
}

function step(by) {
  place = Math.max(0, Math.min(gallery.length - 1, place + by));
  showPicture();
}

export function lightbox(pictures, start) {
  gallery = pictures;
  place = Math.max(0, start);
  showPicture();
  find("lightbox").showModal();
}

const box = find("lightbox");
box.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.classList.contains("before")) step(-1);
  else if (button?.classList.contains("after")) step(1);
  else box.close();
});
box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
