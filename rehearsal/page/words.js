// The page's own words, in the language of the person who is looking.

const catalogue = await (await fetch("/page/words.json")).json();
let language = "en";

export const word = (name, values = {}) =>
  (catalogue[language] ?? catalogue.en)[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);

export const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hour12: false });

export function day(seconds) {
  const then = new Date(seconds * 1000);
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(then).setHours(0, 0, 0, 0)) / 86_400_000);
  if (ago < 2) return word(ago === 1 ? "yesterday" : "today");
  return then.toLocaleDateString(language, { day: "numeric", month: "long" });
}

export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte"];
  const step = Math.min(2, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const shown = { style: "unit", unit: units[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: step ? 1 : 0 };
  return new Intl.NumberFormat(language, shown).format(bytes / 1000 ** step);
}

export function speak(code) {
  language = code in catalogue ? code : "en";
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", word(node.dataset.label));
    if (node.tagName === "BUTTON") node.title = word(node.dataset.label);
  }
}
