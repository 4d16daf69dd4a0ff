// Sends files of a file request straight to where they are kept, with progress.
// Without it the form does the same through the server.
(() => {
  "use strict";
  const form = document.querySelector("form[data-uploads]");
  if (!form || !window.XMLHttpRequest || !window.fetch) return;
  const words = JSON.parse(form.dataset.words), base = form.dataset.uploads;
  const input = form.querySelector("input[type=file]"), button = form.querySelector("button");
  const problem = document.getElementById("problem");
  const status = document.querySelector("[data-status]"), list = document.querySelector("[data-list]");
  const tries = 4, early = 30_000;
  let all = 0, done = 0, busy = 0, queue = Promise.resolve();

  const make = (tag, className, text) => {
    const e = document.createElement(tag);
    if (className) e.className = className;
    if (text) e.textContent = text;
    return e;
  };
  const pause = (n) => new Promise((go) => setTimeout(go, 500 * 2 ** n));

  // ask posts JSON and returns the answer; what goes wrong is said as the server says it.
  async function ask(path, body) {
    let answer;
    try {
      answer = await fetch(base + path, {
        method: "POST", body: JSON.stringify(body), credentials: "same-origin", headers: { "Content-Type": "application/json" },
      });
    } catch {
      throw Object.assign(new Error(words.network), { passing: true });
    }
    const said = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (answer.ok) return said;
    const rule = said?.errors?.[0]?.message, detail = said?.detail || words.failed;
    const text = (rule && !detail.includes(rule) ? `${detail}: ${rule}` : detail) + ".";
    throw Object.assign(new Error(text[0].toUpperCase() + text.slice(1)), { passing: answer.status === 423 || answer.status >= 500 });
  }

  // put sends bytes as the server has signed it.
  function put(request, bytes, told) {
    return new Promise((arrived, broken) => {
      const x = new XMLHttpRequest();
      x.open(request.method || "PUT", request.url);
      for (const [name, value] of Object.entries(request.headers || {})) x.setRequestHeader(name, value);
      x.upload.onprogress = (e) => told(e.loaded);
      x.onload = () => {
        if (x.status >= 200 && x.status < 300 || x.status === 412) return arrived(); // 412: it is there already
        broken(Object.assign(new Error(words.failed), { passing: x.status >= 500 }));
      };
      x.onerror = () => broken(Object.assign(new Error(words.network), { passing: true }));
      x.send(bytes);
    });
  }

  async function patient(work) {
    for (let n = 1; ; n++) {
      try {
        return await work();
      } catch (e) {
        if (!e.passing || n === tries) throw e;
        await pause(n);
      }
    }
  }

  async function send(file, told) {
    const begun = await ask("", { name: file.name, content_type: file.type || "application/octet-stream", size_bytes: file.size });
    const proof = { upload_id: begun.upload.upload_id, upload_token: begun.upload_token }, path = "/" + begun.asset_id;
    let plan = begun.upload;
    const stale = () => Date.parse(plan.expires_at) - Date.now() < early;
    if (plan.strategy === "single") {
      await patient(() => put(plan, file, told));
    } else {
      let sent = 0, parts = new Map(plan.parts.map((p) => [p.number, p]));
      for (let n = 1; n <= plan.part_count; n++) {
        await patient(async () => {
          if (!parts.has(n) || stale()) {
            plan = (await ask(path + "/parts", { ...proof, from: n })).upload;
            parts = new Map(plan.parts.map((p) => [p.number, p]));
          }
          const part = parts.get(n);
          await put(part, file.slice(sent, sent + part.size_bytes), (loaded) => told(sent + loaded));
        });
        sent += parts.get(n).size_bytes;
      }
    }
    await patient(() => ask(path + "/complete", proof));
  }

  function row(file) {
    const item = make("li"), name = make("bdi", "", file.name), state = make("span", "soft", words.waiting);
    const bar = make("div", "bar"), fill = make("span"), label = make("span");
    label.append(name);
    bar.setAttribute("role", "progressbar");
    bar.setAttribute("aria-label", file.name);
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "100");
    bar.append(fill);
    item.append(label, state, bar);
    list.append(item);
    const progress = (share) => {
      bar.setAttribute("aria-valuenow", String(Math.floor(share * 100)));
      fill.style.transform = `scaleX(${share})`;
    };
    const say = (text, className) => { state.textContent = text; state.className = className; };
    progress(0);
    return { file, item, progress, say };
  }

  async function run(r) {
    r.say(words.sending, "soft");
    try {
      await send(r.file, (loaded) => {
        r.progress(r.file.size ? Math.min(1, loaded / r.file.size) : 1);
        if (loaded >= r.file.size) r.say(words.checking, "soft");
      });
      r.progress(1);
      r.say(words.done, "done");
      done++;
    } catch (e) {
      r.say(words.failed, "error");
      const why = make("p", "error", e.message);
      r.item.append(why);
      if (!e.passing) return; // the server would say the same again
      const again = make("button", "button plain", words.again);
      again.type = "button";
      const label = make("span", "hidden", " " + r.file.name);
      again.append(label);
      again.onclick = () => { why.remove(); again.remove(); enqueue(r); };
      r.item.append(again);
    } finally {
      tell();
    }
  }

  function tell() {
    status.textContent = words.summary.replace("{done}", done).replace("{all}", all);
  }

  function enqueue(r) {
    busy++;
    queue = queue.then(() => run(r)).finally(() => { busy--; });
  }

  form.addEventListener("submit", (e) => {
    e.preventDefault();
    problem.textContent = input.files.length ? "" : words.no_file;
    for (const file of input.files) { all++; enqueue(row(file)); }
    form.reset();
  });

  const over = (on) => (e) => { e.preventDefault(); form.classList.toggle("over", on); };
  form.addEventListener("dragover", over(true));
  form.addEventListener("dragleave", over(false));
  form.addEventListener("drop", (e) => {
    over(false)(e);
    if (e.dataTransfer.files.length) { input.files = e.dataTransfer.files; button.focus(); }
  });
  form.querySelector("[data-drop]").hidden = false;
  window.addEventListener("beforeunload", (e) => { if (busy) e.preventDefault(); });
})();
